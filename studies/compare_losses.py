"""Which loss makes colors brown? And gray photographs among the others?

    python studies/compare_losses.py --data photos/

Interrupted, the same command goes on."""

from study import Study

from colorize_lib.experiments.variants import HALF_GRAY, HalfGrayPictures, loss_variants


def main() -> None:
    study = Study(__file__, __doc__)
    variants = loss_variants()
    comparison = study.compared(variants)
    gray = {HALF_GRAY: variants["L1"]}
    pictures = HalfGrayPictures(**study.sources, folder=study.prepared)
    comparison += study.compared(gray, pictures=pictures)
    study.save_comparison(comparison, recipes=variants | gray)


if __name__ == "__main__":
    main()
