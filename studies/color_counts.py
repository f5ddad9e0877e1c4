"""How many pixels of photographs lie in each bin of the ab plane?

python studies/color_counts.py --data photos/ --data more/"""

from datetime import date

import torch
from study import Study

from colorize_lib.color import rgb_to_lab
from colorize_lib.color_bins import bin_frequencies, gamut_bins
from colorize_lib.photos import batches, combined, prepare

SIZE = 128  # pixels: a smaller picture would have mixed its colors


def main() -> None:
    study = Study(__file__, __doc__)
    source = combined(*study.sources["data"])
    pictures = prepare(source, SIZE, folder=study.prepared)
    bins = gamut_bins()
    counts, chroma = torch.zeros(len(bins), dtype=torch.long), 0.0
    for batch in batches(pictures, 64):  # near-gray ones, too: they are of the world
        ab = rgb_to_lab(batch)[:, 1:]
        counts += bin_frequencies(ab, bins)
        chroma += ab.norm(dim=1).double().sum().item()
    mean_chroma = chroma / counts.sum().item()
    study.write(
        counts=counts.tolist(),
        pictures=len(pictures),
        size=SIZE,
        mean_chroma=mean_chroma,
        data=study.names(),
        date=date.today().isoformat(),
    )
    share = counts.double().sort(descending=True).values / counts.sum()
    print(f"{len(pictures)} pictures, mean chroma {mean_chroma:.2f}")
    print(f"the 9 commonest bins hold {share[:9].sum():.1%} of the pixels")


if __name__ == "__main__":
    main()
