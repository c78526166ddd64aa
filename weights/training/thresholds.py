#!/usr/bin/env python3
"""From which score on each label of the embedded model is to be believed.

    python3 weights/training/thresholds.py weights/vit-cifar10 weights/training/.cache/photos

prints `threshold` and `thresholds` for `calibration.json` and what they do. A label that strange pictures often get, as
frog is, needs a higher score than one that they seldom get. A logistic regression tells right answers from all others
by the score's logit and the label: of the held-back images and of one half of the photographs, those of other things
included. All thresholds are then one probability of being right: the one that a tenth of that half's strangers reach.
What they do is measured on the other half and on the test images.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
import train  # noqa: E402

STRANGERS = 0.1  # the share of them that may get an answer
PENALTY = 0.003  # on squared weights


def load(folder):
    """A model of train.py as the converter wrote it, and its manifest."""
    manifest = json.loads((folder / 'model.json').read_text())
    shards = [(folder / shard['file']).read_bytes() for shard in manifest['shards']]
    kinds = {'f32': '<f4', 'f16': '<f2'}

    def tensor(entry):
        numbers = np.frombuffer(shards[entry['shard']], np.uint8)[entry['offset'] :][: entry['bytes']]
        return torch.from_numpy(numbers.view(kinds[entry['dtype']]).astype(np.float32).reshape(entry['shape']))

    size, labels = manifest['architecture']['imageSize'][0], manifest['labels']
    model = train.ViT(train.RECIPES['cpu'], size, len(labels))
    model.load_state_dict({name: tensor(entry) for name, entry in manifest['tensors'].items()})
    return model, size, manifest


class Answers:
    """Best label, its score, and whether that is right: never of a picture of something else."""

    def __init__(self, logits, labels, temperature):
        self.score, self.best = (logits / temperature).softmax(1).max(1)
        self.right = self.best == labels

    def reach(self, thresholds):
        return self.score >= thresholds[self.best]


def halves(folder, model, size, classes, temperature):
    """Photographs to choose by, and others to measure on: known and unknown ones."""

    def answers(paths, labels):
        pixels = torch.from_numpy(np.stack([train.read_photo(path, size) for path in paths]))
        return Answers(train.logits_of(model, pixels, size, torch.device('cpu')), torch.tensor(labels), temperature)

    known = [sorted((folder / part).rglob('*.png')) for part in ('known', 'known-more')]
    for half, unknown in enumerate(('unknown', 'unknown-too')):
        mine = known[0][half::2] + known[1][half::2]
        strangers = sorted((folder / unknown).glob('*.png'))
        yield (
            answers(mine, [classes.index(path.parent.name) for path in mine]),
            answers(strangers, [-1] * len(strangers)),
        )


def fit(answers, strangers, count):
    """A threshold for each label. Those of the photographs and the held-back images, of which there are more, count alike."""
    score, best, right = (torch.cat([getattr(one, name) for one in answers]) for name in ('score', 'best', 'right'))
    held, photos = len(answers[0].score), len(score) - len(answers[0].score)
    share = torch.cat([torch.full((held,), 0.5 / held), torch.full((photos,), 0.5 / photos)])
    weights = torch.zeros(1 + count, requires_grad=True)
    offset = torch.zeros((), requires_grad=True)
    logit = score.double().logit(1e-6)
    middle, spread = logit.mean(), logit.std()

    def chance(logit, best):
        return weights[0] * (logit - middle) / spread + weights[1:][best] + offset

    optimizer = torch.optim.LBFGS([weights, offset], max_iter=200, line_search_fn='strong_wolfe')

    def closure():
        optimizer.zero_grad()
        losses = F.binary_cross_entropy_with_logits(chance(logit, best), right.double(), reduction='none')
        loss = (losses * share).sum() + PENALTY * weights.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        least = torch.quantile(chance(strangers.score.double().logit(1e-6), strangers.best), 1 - STRANGERS)
        return (middle + spread * (least - weights[1:] - offset) / weights[0]).sigmoid()


def told(thresholds, known, strangers):
    """What the thresholds do to photographs."""
    sure, strange = known.reach(thresholds), strangers.reach(thresholds)
    return (
        f'an answer to {strange.sum()} of {len(strange)} strangers, to {sure.sum()} of {len(sure)} photographs of the ten '
        f'things, {(sure & known.right).sum()} of these right (of all, {known.right.sum()} are)'
    )


def main():
    model, size, manifest = load(Path(sys.argv[1]))
    classes, temperature = manifest['labels'], manifest['calibration']['temperature']
    images, labels, *test = train.load_cifar10()
    _, held = train.hold_back(labels, 0.1, 0)

    def answers(images, labels):
        return Answers(train.logits_of(model, images, size, torch.device('cpu')), labels, temperature)

    mine, other = halves(Path(sys.argv[2]), model, size, classes, temperature)
    held = answers(images[held], labels[held])
    thresholds = fit([held, *mine], mine[1], len(classes))
    thresholds = (thresholds * 1000).round() / 1000
    single = (torch.quantile(mine[1].score, 1 - STRANGERS) * 1000).round() / 1000
    print(json.dumps({'threshold': round(single.item(), 3), 'thresholds': [round(x, 3) for x in thresholds.tolist()]}))
    ways = {'one for each label': thresholds, 'one for all': single.expand(len(classes))}
    for name, way in ways.items():
        print(f'{name}, where chosen: {told(way, *mine)}')
        print(f'{name}, elsewhere: {told(way, *other)}')
    for part, one in (('held-back', held), ('test', answers(*test))):
        for name, way in ways.items():
            sure = one.reach(way)
            kept, right = sure[one.right].float().mean(), one.right[sure].float().mean()
            print(f'{name}, {part} images: {100 * kept:.1f} % of the right answers, {100 * right:.1f} % of those given right')


if __name__ == '__main__':
    main()
