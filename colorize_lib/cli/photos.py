"""``colorize PHOTO...``: photographs in, photographs in color out."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from colorize_lib.inference import FORMATS, Colorizer, check_output, save_photo
from colorize_lib.photos.sources import SUFFIXES

EPILOG = """\
examples:
  colorize grandmother.jpg                 saves grandmother-color.jpg beside it
  colorize grandmother.jpg -o colored.png  saves colored.png
  colorize album/ scan.tif -o colored/     colors a folder and a file into the folder colored/
  colorize album/ -o colored/              again: goes on with what is not there yet

other commands:
  colorize models                          list every network of the book
  colorize recipes                         list the ways to train them
  colorize train --help                    train a model of your own
  colorize evaluate --help                 score models on test photographs

The lightness of a photograph is kept to rounding, at its full size; only color is added. The colors
are plausible at best, never known to be true: say so where you show them.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit code 1: some photograph failed, 2: nothing was tried."""
    options = _parser().parse_args(arguments)
    try:
        jobs = _jobs(options.photos, options.output)
        if len(jobs) == 1:
            check_output(jobs[0][1], options.overwrite)
        colorizer = Colorizer.load(options.weights, options.device)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"colorize: {error}", file=sys.stderr)
        return 2
    print(f"model: {colorizer.about}", file=sys.stderr)
    return _run(colorizer, jobs, options.overwrite)


def _parser():
    parser = argparse.ArgumentParser(
        prog="colorize",
        description="Color black-and-white photographs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "photos",
        nargs="+",
        type=Path,
        metavar="PHOTO",
        help="picture files, or folders of them",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help=f"a folder; or for one photograph a file ({', '.join(FORMATS)})",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what is there already"
    )
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="another model than the stored one"
    )
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="cpu, cuda, cuda:1; by default a GPU where there is one",
    )
    return parser


def _run(colorizer, jobs, overwrite):
    done, there, failed = [], [], []
    for photo, output in tqdm(jobs, "coloring", unit="photo", disable=len(jobs) == 1):
        if output.exists() and not overwrite:
            there.append(output)
            continue
        try:
            save_photo(colorizer(photo), output)
            done.append(output)
        except (OSError, ValueError, RuntimeError, MemoryError) as error:
            failed.append(photo)
            tqdm.write(f"failed: {error or type(error).__name__}", file=sys.stderr)

    summary = f"{len(done)} of {len(jobs)} colored"
    if done:
        summary += f": {done[0]}" + (f" ... {done[-1]}" if len(done) > 1 else "")
    if there:
        summary += f"; {len(there)} were there already, --overwrite colors them again"
    if failed:
        summary += f"; {len(failed)} failed: {', '.join(map(str, failed))}"
    print(summary, file=sys.stderr)
    return 1 if failed else 0


def _jobs(photos, output):
    """A list of photographs, each with the file that its result goes into."""
    missing = [str(photo) for photo in photos if not photo.exists()]
    if missing:
        raise FileNotFoundError(f"no such file or folder: {', '.join(missing)}")
    one = len(photos) == 1 and photos[0].is_file()
    if output and output.suffix and not output.is_dir() and one:
        return [(photos[0], output)]
    if output and output.suffix.lower() in FORMATS:
        raise ValueError(f"{output} is one file: several photographs need a folder")

    jobs = []
    for photo in photos:
        if photo.is_file():
            folder = output or photo.parent
            jobs.append(
                (photo, folder / _result_name(photo.name, "" if output else "-color"))
            )
        else:
            folder = output or photo.with_name(f"{photo.resolve().name}-color")
            found = _pictures(photo, leave_out=folder)
            jobs += [
                (file, folder / _result_name(file.relative_to(photo))) for file in found
            ]
    _refuse_collisions(jobs)
    return jobs


def _pictures(folder, leave_out):
    """All pictures in a folder and its subfolders, without hidden ones and results."""
    found = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and not (
            leave_out.resolve() != folder.resolve()
            and leave_out.resolve() in file.resolve().parents
        )
    ]
    if not found:
        raise FileNotFoundError(
            f"no pictures in {folder}: looked for {', '.join(SUFFIXES)}"
        )
    return found


def _result_name(name, mark=""):
    """Of gray.gif: gray.gif.png, because a gray.png may be another picture."""
    name = Path(name)
    if name.suffix.lower() in FORMATS:
        return name.with_name(f"{name.stem}{mark}{name.suffix}")
    return name.with_name(f"{name.name}{mark}.png")


def _refuse_collisions(jobs):
    earlier = {}
    for photo, output in jobs:
        if output in earlier:
            raise ValueError(
                f"{earlier[output]} and {photo} would both become {output}: color them into "
                "different folders"
            )
        earlier[output] = photo
