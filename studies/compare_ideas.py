"""Which ideas better the default model, each against the same training without it?

    python studies/compare_ideas.py --data photos/ --also landscapes/ --small small.tar

Interrupted, the same command goes on."""

from study import Study

from colorize_lib.experiments.variants import NO_LANDSCAPES, idea_variants
from colorize_lib.photos.collection import Pictures


def main() -> None:
    study = Study(__file__, __doc__)
    variants = idea_variants()
    comparison = study.compared(variants)
    if study.sources["also"]:
        fewer = {NO_LANDSCAPES: next(iter(variants.values()))}
        pictures = Pictures(**study.sources | {"also": []}, folder=study.prepared)
        comparison += study.compared(fewer, pictures=pictures)
        variants = variants | fewer
    study.save_comparison(comparison, recipes=variants)


if __name__ == "__main__":
    main()
