"""How strong must L1 be, in a game at a size at which a patch is a patch?

    python studies/compare_weights.py --data photos/ --also more/

The default goes on against a judge that sees its colors at half size. Interrupted, the
same command goes on; what is done by then is in the result."""

from dataclasses import replace

from compare_photographs import Some
from study import Study

from colorize_lib.evaluation import LPIPS, stains
from colorize_lib.evaluation.scores import METRICS
from colorize_lib.training.pix2pix import Pix2PixSettings
from colorize_lib.training.recipes import RECIPES, Recipe, Stage
from colorize_lib.training.wgan_gp import WGANGPSettings
from colorize_lib.weights import DEFAULT

SIZE, BATCH, COUNT = 192, 16, 6_000
# Patches of 34 of the judge's 96 pixels; it learns alone before it is listened to, and
# twice as fast as the generator.
JUDGE = {"widths": (64, 128, 256), "shrink": 2, "judge_rate": 2.0, "head_start": 50}


def weight_variants() -> dict[str, Recipe]:
    """L1 alone, and both games with several weights of L1."""
    stage = Stage(SIZE, epochs=1, batch_size=BATCH, learning_rate=1e-4)
    alone = replace(
        RECIPES[DEFAULT], stages=(stage,), start_from=DEFAULT, colorfulness=None
    )
    games = {}
    for weight in (3.0, 10.0, 30.0, 100.0):
        name = f"pix2pix, L1 weight {weight:g}"
        games[name] = Pix2PixSettings(weight, **JUDGE, average=0.99)
    for weight in (30.0, 100.0, 300.0):
        name = f"WGAN-GP, L1 weight {weight:g}"
        games[name] = WGANGPSettings(
            weight, SIZE // 2, critic_steps=1, **JUDGE, average=0.99
        )
    return {"L1 alone": alone} | {
        name: replace(alone, stages=(replace(stage, adversarial=game),))
        for name, game in games.items()
    }


def main() -> None:
    study = Study(__file__, __doc__)
    comparison, recipes = study.so_far(), weight_variants()
    training = {
        "pictures": Some(**study.sources, folder=study.prepared, count=COUNT),
        "metrics": METRICS | {"lpips": LPIPS("squeeze"), "stains": stains},
        "size": SIZE,
    }
    for seed, name in study.missing(recipes, comparison):
        comparison += study.compared({name: recipes[name]}, seeds=[seed], **training)
        study.save_comparison(comparison, recipes=recipes, size=SIZE)


if __name__ == "__main__":
    main()
