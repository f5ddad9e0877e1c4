"""What does the opinion of a classifier add to an autoencoder?

    python studies/compare_fusion.py --data photos/ --small small.tar

Interrupted, the same command goes on."""

from dataclasses import asdict

from study import Study

from colorize_lib.experiments.variants import BRIEFLY, fusion_variants


def main() -> None:
    study = Study(__file__, __doc__)
    networks = fusion_variants()
    recipes = dict.fromkeys(networks, BRIEFLY)
    comparison = study.compared(recipes, networks=networks)
    study.save_comparison(comparison, recipe=asdict(BRIEFLY))


if __name__ == "__main__":
    main()
