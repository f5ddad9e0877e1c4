"""What does the opinion of a classifier add to an autoencoder?

    python studies/compare_fusion.py --data photos/ --small small.tar

Interrupted, the same command goes on."""

from dataclasses import asdict

from study import Study

from colorize_lib.experiments.compare import compare
from colorize_lib.experiments.variants import BRIEFLY, fusion_variants


def main() -> None:
    study = Study(__file__, __doc__)
    runs = study.trained(compare, fusion_variants(), BRIEFLY)
    study.save_runs(runs, recipe=asdict(BRIEFLY))


if __name__ == "__main__":
    main()
