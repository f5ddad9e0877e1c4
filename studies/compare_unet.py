"""What do skips add, and what a pretrained encoder?

    python studies/compare_unet.py --data photos/ --small small.tar

Interrupted, the same command goes on."""

from dataclasses import asdict

from study import Study

from colorize_lib.experiments.compare import compare
from colorize_lib.experiments.variants import BRIEFLY, unet_variants


def main() -> None:
    study = Study(__file__, __doc__)
    runs = study.trained(compare, unet_variants(), BRIEFLY)
    study.save_runs(runs, recipe=asdict(BRIEFLY))


if __name__ == "__main__":
    main()
