"""``colorize PHOTO...``: photographs in, photographs in color out."""

import argparse
import errno
import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path

from tqdm import tqdm

from colorize_lib.inference import FORMATS, Colorizer, check_output, save_photo
from colorize_lib.photos.metadata import is_colorized
from colorize_lib.photos.reading import count_pages
from colorize_lib.photos.sources import SUFFIXES, files_in
from colorize_lib.slips import missing_file

NAMED = 3  # failures in the summary; each had a line of its own
INTERRUPTED = 130  # the exit code that shells expect after Ctrl-C
EPILOG = """\
examples:
  colorize grandmother.jpg                 saves grandmother-color.jpg beside it
  colorize grandmother.jpg -o colored.png  saves colored.png
  colorize album/ scan.tif -o colored/     colors a folder and a file into the folder colored/
  colorize album/ -o colored/              again: goes on with what is not there yet
  colorize album.tif --pages               colors every page, each into a file of its own

other commands:
  colorize models                          list every network of the book
  colorize recipes                         list the ways to train them
  colorize train --help                    train a model of your own
  colorize evaluate --help                 score models on test photographs

The lightness of a photograph is kept to rounding, at its full size; only color is added. The colors
are plausible at best, never known to be true: say so where you show them.
"""


@dataclass
class Report:
    """What became of every file."""

    done: list = field(default_factory=list)  # results
    there: list = field(default_factory=list)  # results that were there already
    ours: list = field(default_factory=list)  # photographs that are results themselves
    failed: list = field(default_factory=list)  # photographs
    passed_over: Counter = field(default_factory=Counter)  # other files, by kind


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Exit code 1: some photograph failed; 2: nothing was tried; 130: interrupted.
    """
    options = _parser().parse_args(arguments)
    report = Report()
    try:
        try:
            jobs = _jobs(options.photos, options.output, report)
            if len(jobs) == 1:
                check_output(jobs[0][1], options.overwrite or options.pages)
            colorizer = Colorizer.load(options.weights, options.device)
        except (OSError, ValueError, RuntimeError) as error:
            print(f"colorize: {error}", file=sys.stderr)
            return 2
        print(f"model: {colorizer.about}", file=sys.stderr)
        with _messages_above_the_bar():
            stopped = _run(colorizer, jobs, options, report)
    except KeyboardInterrupt:
        jobs, stopped = locals().get("jobs", []), "interrupted"
    print(_summary(report, len(jobs), stopped), file=sys.stderr)
    return INTERRUPTED if stopped == "interrupted" else bool(stopped or report.failed)


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
        "--pages",
        action="store_true",
        help="color every page of a TIFF, not the first alone",
    )
    parser.add_argument(
        "--weights",
        metavar="MODEL",
        help="another model than the default: the name of a stored one, or a file",
    )
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="cpu, cuda, cuda:1; by default a GPU where there is one",
    )
    return parser


# ------------------------------------------------------------ doing it


def _run(colorizer, jobs, options, report):
    """Color what is not there yet; why it stopped before the end, or None."""
    bar = tqdm(jobs, "coloring", unit="photo", disable=len(jobs) == 1)
    try:
        for photo, output in bar:
            if len(jobs) > 1 and is_colorized(photo):
                report.ours.append(photo)
                continue
            try:
                _color(colorizer, photo, output, options, report)
            except Exception as error:  # nothing about one photograph stops the others
                report.failed.append(photo)
                said = f"{photo}: not enough memory" if _is_memory(error) else error
                tqdm.write(f"failed: {said}", file=sys.stderr)
                if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                    return "no space is left"
    except KeyboardInterrupt:
        return "interrupted"
    finally:
        bar.close()
    return None


def _color(colorizer, photo, output, options, report):
    is_scan = photo.suffix.lower() in (".tif", ".tiff")
    pages = count_pages(photo) if is_scan else 1
    if pages > 1 and not options.pages:
        _say(f"{photo}: {pages} pages, the first is colored; --pages colors all")
        pages = 1
    for page in range(pages):
        page_output = output.with_stem(f"{output.stem}-p{page + 1}")
        target = page_output if pages > 1 else output
        if target.exists() and not options.overwrite:
            report.there.append(target)
        else:
            save_photo(colorizer(photo, page), target)
            report.done.append(target)


def _summary(report, count, stopped):
    parts = [f"{len(report.done)} of {count} colored" + _first_and_last(report.done)]
    if report.there:
        parts.append(
            f"{len(report.there)} were there already, --overwrite colors them again"
        )
    if report.ours:
        parts.append(f"{len(report.ours)} passed over that `colorize` made")
    if report.failed:
        names = ", ".join(map(str, report.failed[:NAMED]))
        more = ", ..." if len(report.failed) > NAMED else ""
        parts.append(f"{len(report.failed)} failed: {names}{more}")
    if report.passed_over:
        kinds = ", ".join(f"{n} {kind}" for kind, n in report.passed_over.most_common())
        total = report.passed_over.total()
        parts.append(f"{total} passed over that are no pictures ({kinds})")
    if stopped:
        parts.append(f"{stopped}: the same command goes on with what is missing")
    return "; ".join(parts)


def _first_and_last(results):
    ends = [str(results[0]), str(results[-1])] if results else []
    return f": {' ... '.join(dict.fromkeys(ends))}" if ends else ""


def _is_memory(error):
    return isinstance(error, MemoryError) or "allocate memory" in str(error)


def _say(text):
    tqdm.write(text, file=sys.stderr)


@contextmanager
def _messages_above_the_bar():
    """What the library logs becomes lines that the progress bar does not overwrite."""

    class Lines(logging.Handler):
        def emit(self, record):
            _say(record.getMessage())

    log, lines = logging.getLogger("colorize_lib"), Lines()
    log.addHandler(lines)
    try:
        yield
    finally:
        log.removeHandler(lines)


# ------------------------------------------------------------ what there is to do


def _jobs(photos, output, report):
    """A list of photographs, each with the file that its result goes into."""
    photos = [file for photo in photos for file in _matching(photo)]
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
            folder = output or _beside(photo)
            jobs += [
                (file, folder / _result_name(file.relative_to(photo)))
                for file in _pictures(photo, folder, report)
            ]
    _refuse_collisions(jobs)
    return jobs


def _matching(photo):
    """The path itself, or what it matches: not every shell expands ``*.jpg``."""
    if photo.is_file() or photo.is_dir():
        return [photo]
    if photo.exists():
        raise ValueError(f"{photo} is neither a picture file nor a folder")
    if not has_magic(str(photo)):
        raise missing_file(photo, f"no such file or folder: {photo}")
    # Not Path.glob, which takes no absolute pattern.
    if found := sorted(glob(str(photo), recursive=True)):  # noqa: PTH207
        return [Path(name) for name in found]
    raise FileNotFoundError(f"nothing matches {photo}")


def _beside(folder):
    """Where the results of a folder go: album-color beside album, also of ``.``."""
    # Not resolve(), which would follow links to folders elsewhere.
    whole = Path(os.path.abspath(folder))  # noqa: PTH100
    if not whole.name:
        raise ValueError(f"{folder} has no folder beside it: name one with -o")
    beside = whole.with_name(f"{whole.name}-color")
    return beside if folder.is_absolute() else Path(os.path.relpath(beside))


def _pictures(folder, leave_out, report):
    """All pictures in a folder and its subfolders, without hidden ones and results."""
    found, others = files_in(folder)
    report.passed_over += others
    if (results := leave_out.resolve()) != folder.resolve():
        found = [file for file in found if results not in file.resolve().parents]
    if not found:
        raise FileNotFoundError(
            f"no pictures in {folder}: looked for .jpg, .png, .tif and "
            f"{len(SUFFIXES) - 3} more suffixes"
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
