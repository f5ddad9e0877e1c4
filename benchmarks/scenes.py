"""How many scenes are drawn in a second? Median and range of several runs, by size.

    python benchmarks/scenes.py [--threads 2] [--device cpu]

Run it on an idle machine. A busy one tells less by the clock; the last column, scenes
per second of processor time, then says about what one core of it would do alone.
"""

import argparse
import time

import torch

from colorize_lib.scenes import draw_scenes

SCENES_AT_SIZE = {64: 2048, 128: 512, 256: 128, 512: 32}
RUNS = 7


def speeds_of_runs(count: int, size: int, device: str) -> tuple[list, list]:
    """Scenes per second by the clock and per second of processor time, sorted."""
    draw_scenes(count, size, device=device)  # warm up: textures and the allocator
    by_clock, by_processor = [], []
    for seed in range(RUNS):
        clock, processor = time.perf_counter(), time.process_time()
        scenes = draw_scenes(count, size, seed=seed, device=device)
        scenes.lab[-1, -1, -1, -1].item()  # a GPU is still at work: wait for it
        by_clock.append(count / (time.perf_counter() - clock))
        by_processor.append(count / (time.process_time() - processor))
    return sorted(by_clock), sorted(by_processor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    where = f"{arguments.device}, {arguments.threads} threads"
    print(f"torch {torch.__version__}, {where}, {RUNS} runs")
    print(f"{'pixels':>10} {'scenes/s':>10} {'range':>16} {'per core':>10}")
    for size, count in SCENES_AT_SIZE.items():
        speeds, per_core = speeds_of_runs(count, size, arguments.device)
        spread = f"{speeds[0]:.0f} to {speeds[-1]:.0f}"
        median, core = speeds[RUNS // 2], per_core[RUNS // 2]
        print(f"{f'{size} x {size}':>10} {median:>10.0f} {spread:>16} {core:>10.0f}")


if __name__ == "__main__":
    main()
