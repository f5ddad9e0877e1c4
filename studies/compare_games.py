"""Where does the stored U-Net go when it is trained on: by L1 alone, or in a game?

    python studies/compare_games.py --data photos/

Interrupted, the same command goes on."""

from study import Study

from colorize_lib.experiments.variants import game_variants


def main() -> None:
    study = Study(__file__, __doc__)
    variants = game_variants()
    study.save_comparison(study.compared(variants), recipes=variants)


if __name__ == "__main__":
    main()
