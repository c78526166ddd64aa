#!/usr/bin/env python3
"""Photographs to choose preprocessing and the threshold for 'not sure' by, out of three Debian packages.

    python3 weights/training/photos.py weights/training/.cache/photos

    known/<class>/        photographs of the ten classes of CIFAR-10, most of them cut out and set on white
    known-more/<class>/   others, mostly birds
    unknown/              photographs of other things, to choose the thresholds on
    unknown-too/          others, to measure them on

All are under free licences, which the packages name; none is kept in the repository. Needs apt-get and dpkg-deb.
"""
import argparse
import struct
import subprocess
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image

PACKAGES = ['tuxpaint-stamps-default', 'gcompris-qt-data', 'python3-skimage']

STAMPS = 'usr/share/tuxpaint/stamps'
KNOWN = {
    'airplane': ['vehicles/flight/planes/747', 'military/vehicles/f22_raptor'],
    'automobile': ['vehicles/auto/beetle', 'vehicles/auto/sedan', 'vehicles/auto/sportscar2', 'vehicles/race/indycar'],
    'bird': [
        'animals/birds/' + name
        for name in 'blackbird crow drake pigeon lark magpie ostrich silver-gull rainbow-lorikeet turkey'.split()
    ],
    'deer': ['animals/mammals/deer/' + name for name in 'wapiti doe deer caribou'.split()],
    'dog': ['animals/mammals/dogs/dog', 'animals/mammals/dogs/dingo'],
    'frog': ['animals/amphibians/frog', 'animals/amphibians/frog-1'],
    'horse': ['animals/mammals/equines/horse'],
    'ship': ['vehicles/ship/chineseJunk'],
    'truck': ['vehicles/garbagetruck', 'vehicles/emergency/firetruck'],
}
KNOWN_MORE = {
    'automobile': ['vehicles/emergency/sedan_police'],
    'truck': ['vehicles/construction/dumper'],
}
UNKNOWN_STAMPS = ['animals/fish', 'animals/insects', 'food/fruit', 'hobbies/music', 'plants/flowers', 'household/tools']

ACTIVITIES = 'gcompris/src/activities'
KNOWN_PHOTOS = {
    'cat': ['explore_farm_animals/resource/animals/cat'],
    'dog': ['explore_farm_animals/resource/animals/dog'],
    'horse': ['explore_farm_animals/resource/animals/horse'],
    'bird': ['explore_farm_animals/resource/animals/' + name for name in ('owl', 'duck', 'chicken')]
    + ['explore_world_animals/resource/animals/scarlet_macaw'],
    'deer': ['explore_world_animals/resource/animals/moose'],
}
UNKNOWN_PHOTOS = [
    'categorization/resource/images/fishes',
    'categorization/resource/images/monuments',
    'categorization/resource/images/others',
    'categorization/resource/images/renewable',
    'categorization/resource/images/tools',
    'explore_monuments/resource',
]

KNOWN_MORE_PHOTOS = {
    'bird': [
        'erase/resource/' + name
        for name in 'gosling heron kingfisher northern_harrier penguin spoonbills swans toucan'.split()
    ],
    'cat': ['erase/resource/kitten'],
    'horse': ['erase/resource/horse'],
}
# Animals of other kinds, clothes, vegetables, trees, household, sports: what people show besides.
UNKNOWN_MORE_STAMPS = [
    *('animals/mammals', 'animals/marsupials', 'animals/lizards', 'animals/shellfish', 'clothes', 'food/nuts'),
    *('food/vegetables', 'household', 'medical', 'plants/mushrooms', 'plants/trees', 'seasonal', 'sports', 'town'),
]
UNKNOWN_MORE_PHOTOS = ['erase/resource', 'explore_farm_animals/resource/animals', 'explore_world_animals/resource/animals']
# One of the ten things, or so like one that either answer would do: donkeys, zebras, foxes, antelopes.
NOT_STRANGE = ['mammals/deer/', 'mammals/dogs/', 'mammals/equines/', 'mammals/bovines/indian_blackbuck']

SKIMAGE = 'usr/lib/python3/dist-packages/skimage/data'


def unpack(folder):
    """Package -> its files, downloaded unless they are there."""
    roots = {}
    for package in PACKAGES:
        root = roots[package] = folder / '.packages' / package
        if not root.exists():
            root.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(['apt-get', 'download', package], cwd=root.parent, check=True)
            archive = next(root.parent.glob(f'{package}_*.deb'))
            subprocess.run(['dpkg-deb', '-x', archive, root], check=True)
    return roots


def resources(path):
    """Files of a Qt resource archive: their paths and bytes. https://doc.qt.io/qt-5/resources.html"""
    raw = path.read_bytes()
    version, tree, data, names = struct.unpack('>4I', raw[4:20])
    entry = 22 if version >= 2 else 14

    def walk(index, place):
        at = tree + index * entry
        name_at, flags = struct.unpack('>IH', raw[at : at + 6])
        if index > 0:
            (length,) = struct.unpack('>H', raw[names + name_at : names + name_at + 2])
            place += '/' + raw[names + name_at + 6 : names + name_at + 6 + 2 * length].decode('utf-16-be')
        if flags & 2:
            count, first = struct.unpack('>2I', raw[at + 6 : at + 14])
            for child in range(first, first + count):
                yield from walk(child, place)
        else:
            (start,) = struct.unpack('>I', raw[at + 10 : at + 14])
            (size,) = struct.unpack('>I', raw[data + start : data + start + 4])
            content = raw[data + start + 4 : data + start + 4 + size]
            yield place.lstrip('/'), zlib.decompress(content[4:]) if flags & 1 else content

    return walk(0, '')


def save(source, target):
    """As PNG, what is transparent on white, and no larger than 640 pixels."""
    picture = Image.open(source).convert('RGBA')
    picture.thumbnail((640, 640), Image.LANCZOS)
    whole = Image.new('RGBA', picture.size, 'white')
    whole.alpha_composite(picture)
    target.parent.mkdir(parents=True, exist_ok=True)
    whole.convert('RGB').save(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path)
    folder = parser.parse_args().folder
    roots = unpack(folder)
    stamps = roots['tuxpaint-stamps-default'] / STAMPS
    archives = (roots['gcompris-qt-data'] / 'usr/share/gcompris-qt/rcc').glob('*.rcc')
    photos = {
        path.removeprefix(f'{ACTIVITIES}/').rsplit('.', 1)[0]: content
        for archive in archives
        for path, content in resources(archive)
        if path.endswith(('.webp', '.jpg', '.png'))
    }

    birds = [f'animals/birds/{path.stem}' for path in sorted((stamps / 'animals/birds').glob('*.png'))]
    more = {**KNOWN_MORE, 'bird': [name for name in birds if name not in KNOWN['bird']]}
    for part, cut_out, whole in (('known', KNOWN, KNOWN_PHOTOS), ('known-more', more, KNOWN_MORE_PHOTOS)):
        for label, names in cut_out.items():
            for name in names:
                save(stamps / f'{name}.png', folder / part / label / f'{Path(name).name}-cut-out.png')
        for label, names in whole.items():
            for name in names:
                save(BytesIO(photos[name]), folder / part / label / f'{Path(name).name}.png')
    save(roots['python3-skimage'] / SKIMAGE / 'chelsea.png', folder / 'known' / 'cat' / 'chelsea.png')

    known = {name for names in (*KNOWN_PHOTOS.values(), *KNOWN_MORE_PHOTOS.values()) for name in names}
    unknown = {}
    for of_photos, of_stamps in ((UNKNOWN_PHOTOS, UNKNOWN_STAMPS), (UNKNOWN_MORE_PHOTOS, UNKNOWN_MORE_STAMPS)):
        for name in sorted(photos):
            if name not in known and any(name.startswith(f'{place}/') for place in of_photos):
                unknown.setdefault(name, photos[name])
        for place in of_stamps:
            for path in sorted((stamps / place).rglob('*.png')):
                name = f'{path.relative_to(stamps)}'.rsplit('.', 1)[0]
                if 'cartoon' not in path.parts and not any(like in name for like in NOT_STRANGE):
                    unknown.setdefault(name, path.read_bytes())
    for i, (name, content) in enumerate(unknown.items()):
        part = 'unknown' if i % 2 == 0 else 'unknown-too'
        save(BytesIO(content), folder / part / f'{name.replace("/", "-")}.png')


if __name__ == '__main__':
    main()
