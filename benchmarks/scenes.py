"""How many scenes are drawn in a second? Median and range of several runs, by size.

    python benchmarks/scenes.py [--threads 2] [--device cpu]

Run it on an idle machine: with many small operations, threads wait for the slowest.
"""

import argparse
import time

import torch

from colorize_lib.scenes import draw_scenes

SCENES_AT_SIZE = {64: 2048, 128: 512, 256: 128, 512: 32}
RUNS = 7


def scenes_per_second(count: int, size: int, device: str) -> list[float]:
    draw_scenes(count, size, device=device)  # warm up: textures and the allocator
    speeds = []
    for seed in range(RUNS):
        start = time.perf_counter()
        scenes = draw_scenes(count, size, seed=seed, device=device)
        scenes.lab[-1, -1, -1, -1].item()  # a GPU is still at work: wait for it
        speeds.append(count / (time.perf_counter() - start))
    return sorted(speeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    where = f"{arguments.device}, {arguments.threads} threads"
    print(f"torch {torch.__version__}, {where}, {RUNS} runs")
    print(f"{'pixels':>10} {'scenes/s':>10} {'range':>16}")
    for size, count in SCENES_AT_SIZE.items():
        speeds = scenes_per_second(count, size, arguments.device)
        spread = f"{speeds[0]:.0f} to {speeds[-1]:.0f}"
        print(f"{f'{size} x {size}':>10} {speeds[RUNS // 2]:>10.0f} {spread:>16}")


if __name__ == "__main__":
    main()
