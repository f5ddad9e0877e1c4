"""What do skips add, and what a pretrained encoder?

    python studies/compare_unet.py --data photos/ --small small.tar

Interrupted, the same command goes on."""

from dataclasses import asdict

from study import Study

from colorize_lib.experiments.variants import BRIEFLY, unet_variants


def main() -> None:
    study = Study(__file__, __doc__)
    networks = unet_variants()
    recipes = dict.fromkeys(networks, BRIEFLY)
    comparison = study.compared(recipes, networks=networks)
    study.save_comparison(comparison, recipe=asdict(BRIEFLY))


if __name__ == "__main__":
    main()
