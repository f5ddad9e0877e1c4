"""How good is every stored model on 150 photographs that anybody can fetch?

    python studies/public_test.py

What others compute by colorize evaluate NAME --data public_test can be put beside these
rows. Nothing is chosen by them."""

from functools import partial

from evaluation import MODELS
from study import Study

from colorize_lib.evaluation import LPIPS, evaluate, stains
from colorize_lib.evaluation.choose import PROTOCOL, TEST_SIZE
from colorize_lib.evaluation.results import save_result
from colorize_lib.evaluation.scores import METRICS
from colorize_lib.inference import predict_ab
from colorize_lib.photos import batches, prepare, public_test
from colorize_lib.weights import load_weights, stored_weights


def main() -> None:
    study = Study(__file__, __doc__)
    pictures = prepare(public_test(), TEST_SIZE, folder=study.prepared)
    rows, sizes = {}, {}
    for name in MODELS:
        network, about = load_weights(stored_weights(name))
        sizes[name] = about["size"]
        rows[name] = partial(predict_ab, network.to(study.device), size=about["size"])
    metrics = METRICS | {"lpips": LPIPS("squeeze"), "stains": stains}
    scores = evaluate(rows, batches(pictures, 16, device=study.device), metrics=metrics)
    save_result(
        study.path, scores, [], network_sizes=sizes, device=study.device,
        photographs={"data": "public_test", "test": list(pictures.names)},
        protocol=PROTOCOL,
    )  # fmt: skip


if __name__ == "__main__":
    main()
