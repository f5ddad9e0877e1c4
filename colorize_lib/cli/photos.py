"""``colorize PHOTO...``: photographs in, photographs in color out."""

import argparse
import errno
import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

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
        # What the library logs becomes lines that the progress bar does not overwrite.
        with logging_redirect_tqdm([logging.getLogger("colorize_lib")]):
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
    add = parser.add_argument
    add(
        "photos", nargs="+", type=Path, metavar="PHOTO", help="picture files or folders"
    )
    suffixes = ", ".join(FORMATS)
    to = f"a folder; or for one photograph a file ({suffixes})"
    add("-o", "--output", type=Path, metavar="OUT", help=to)
    add("--overwrite", action="store_true", help="replace what is there already")
    add("--pages", action="store_true", help="color all pages of a TIFF, not just one")
    which = "another than the default: the name of a stored model, or a file"
    add("--weights", metavar="MODEL", help=which)
    where = "cpu, cuda, cuda:1; by default a GPU where there is one"
    add("--device", metavar="NAME", help=where)
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
        said = f"{photo}: {pages} pages, the first is colored; --pages colors all"
        tqdm.write(said, file=sys.stderr)
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
    ends = map(str, dict.fromkeys(report.done[:1] + report.done[-1:]))
    colored = f"{len(report.done)} of {count} colored"
    parts = [f"{colored}: {' ... '.join(ends)}" if report.done else colored]
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
    if others := report.passed_over:
        kinds = ", ".join(f"{n} {kind}" for kind, n in others.most_common())
        parts.append(f"{others.total()} passed over that are no pictures ({kinds})")
    if stopped:
        parts.append(f"{stopped}: the same command goes on with what is missing")
    return "; ".join(parts)


def _is_memory(error):
    return isinstance(error, MemoryError) or "allocate memory" in str(error)


# ------------------------------------------------------------ what there is to do


def _jobs(photos, output, report):
    """A list of photographs, each with the file that its result goes into."""
    photos = [file for photo in photos for file in _matching(photo)]
    one = len(photos) == 1 and photos[0].is_file()
    if output and output.suffix and not output.is_dir() and one:
        return [(photos[0], output)]
    if output and output.suffix.lower() in FORMATS:
        raise ValueError(f"{output} is one file: several photographs need a folder")

    jobs = {}  # by result
    for photo in photos:
        folder = output or (photo.parent if photo.is_file() else _beside(photo))
        if photo.is_file():
            names = {photo: _result_name(photo.name, "" if output else "-color")}
        else:
            found = _pictures(photo, folder, report)
            names = {file: _result_name(file.relative_to(photo)) for file in found}
        for file, name in names.items():
            if (earlier := jobs.setdefault(folder / name, file)) is not file:
                raise ValueError(
                    f"{earlier} and {file} would both become {folder / name}: color them "
                    "into different folders"
                )
    return [(file, result) for result, file in jobs.items()]


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
