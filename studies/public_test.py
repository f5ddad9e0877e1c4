"""How good is every stored model on 150 photographs that anybody can fetch?

    python studies/public_test.py

What others compute by colorize evaluate NAME --data public_test can be put beside these
rows. Nothing is chosen by them."""

from evaluation import stored_models
from study import Study

from colorize_lib.evaluation import LPIPS, evaluate, stains
from colorize_lib.evaluation.choose import PROTOCOL, TEST_SIZE
from colorize_lib.evaluation.results import save_result
from colorize_lib.evaluation.scores import METRICS
from colorize_lib.photos import batches, prepare, public_test


def main() -> None:
    study = Study(__file__, __doc__)
    pictures = prepare(public_test(), TEST_SIZE, folder=study.prepared)
    rows, sizes = stored_models(study.device)
    metrics = METRICS | {"lpips": LPIPS("squeeze"), "stains": stains}
    scores = evaluate(rows, batches(pictures, 16, device=study.device), metrics=metrics)
    save_result(
        study.path, scores, [], network_sizes=sizes, device=study.device,
        photographs={"data": "public_test", "test": list(pictures.names)},
        protocol=PROTOCOL,
    )  # fmt: skip


if __name__ == "__main__":
    main()
