#!/usr/bin/env python3
"""Which preprocessing suits a model trained by train.py: every way to resize, on real photographs and on the test images.

    python3 weights/training/preprocess.py weights/training/.cache/cifar10/checkpoint.pt weights/training/.cache/photos/known [test images]

Test images are 32x32 already, and any filter leaves them alone. So each is enlarged to 256x256 first (bicubic), as if it were
a photo, and then resized. All of them take 2 GB and ten minutes. Pillow resizes here; the engine's bytes are Pillow's.
"""
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.dont_write_bytecode = True
import train  # noqa: E402

FILTERS = {'box': Image.BOX, 'bilinear': Image.BILINEAR, 'hamming': Image.HAMMING, 'bicubic': Image.BICUBIC, 'lanczos': Image.LANCZOS}


def squash(picture, size, kind):
    return picture.resize((size, size), kind)


def crop(picture, size, kind):
    wide, high = (edge * size // min(picture.size) for edge in picture.size)
    left, top = round((wide - size) / 2), round((high - size) / 2)
    return picture.resize((wide, high), kind).crop((left, top, left + size, top + size))


def load(path):
    state = torch.load(path, map_location='cpu')
    recipe = train.Recipe(**state['recipe'])
    model = train.ViT(recipe, recipe.stages[-1][0], len(state['classes']))
    model.load_state_dict(state['averaged'])
    return model, recipe.stages[-1][0], state['classes']


def main():
    model, size, classes = load(sys.argv[1])

    def scores(pictures):
        pixels = torch.from_numpy(np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures]))
        return train.logits_of(model, pixels, size, torch.device('cpu')).log_softmax(1)

    paths = sorted(Path(sys.argv[2]).rglob('*.png'))
    photos = [(Image.open(path).convert('RGB'), classes.index(path.parent.name)) for path in paths]
    truth = torch.tensor([label for _, label in photos])
    _, _, images, labels = train.load_cifar10()
    count = int(sys.argv[3]) if len(sys.argv) > 3 else len(images)
    images, labels = images[:count], labels[:count]
    large = [Image.fromarray(image.permute(1, 2, 0).numpy()).resize((256, 256), Image.BICUBIC) for image in images]

    print(f'{len(photos)} photographs, {len(images)} test images\n')
    print('| filter | squash | | crop | | enlarged test images |\n|---|---|---|---|---|---|')
    for name, kind in FILTERS.items():
        cells = []
        for geometry in (squash, crop):
            rows = scores([geometry(picture, size, kind) for picture, _ in photos])
            right = (rows.argmax(1) == truth).sum().item()
            cells += [f'{right} right', f'loss {-rows[range(len(truth)), truth].mean():.2f}']
        rows = scores([squash(picture, size, kind) for picture in large])
        cells.append(f'{100 * (rows.argmax(1) == labels).float().mean():.2f} %')
        print(f'| {name} | {" | ".join(cells)} |')


if __name__ == '__main__':
    main()
