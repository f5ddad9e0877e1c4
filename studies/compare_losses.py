"""Which loss makes colors brown? And gray photographs among the others?

    python studies/compare_losses.py --data photos/

Interrupted, the same command goes on."""

from study import Study

from colorize_lib.experiments.compare import compare_recipes
from colorize_lib.experiments.variants import HALF_GRAY, HalfGrayPictures, loss_variants


def main() -> None:
    study = Study(__file__, __doc__)
    variants = loss_variants()
    runs = study.trained(compare_recipes, variants)
    gray = {HALF_GRAY: variants["L1"]}
    pictures = HalfGrayPictures(**study.sources, folder=study.prepared)
    runs += study.trained(compare_recipes, gray, pictures=pictures)
    study.save_runs(runs, recipes=variants | gray)


if __name__ == "__main__":
    main()
