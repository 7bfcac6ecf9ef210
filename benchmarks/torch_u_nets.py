"""The networks of `UNet.preset` in PyTorch, written plainly, for benchmarks/u_net.py to compare with."""

import torch
from torch import nn
from torch.nn import functional


def sinusoids(time, count):
    frequency = 1e4 ** (-torch.arange(count // 2) / (count // 2))
    phase = time[:, None] * frequency
    return torch.cat([phase.sin(), phase.cos()], 1)


def as_pixels(x):
    return x.flatten(2).swapaxes(1, 2)


def as_image(pixels, like):
    return pixels.swapaxes(1, 2).reshape(like.shape)


class Attention(nn.Module):
    def __init__(self, channels, norm):
        super().__init__()
        self.norm, self.attend = norm, nn.MultiheadAttention(channels, 4, batch_first=True)

    def forward(self, pixels):
        normed = self.norm(pixels)
        return pixels + self.attend(normed, normed, normed, need_weights=False)[0]


class PixelGroupNorm(nn.GroupNorm):
    def forward(self, pixels):
        return super().forward(pixels.swapaxes(1, 2)).swapaxes(1, 2)


class Residual(nn.Module):
    def __init__(self, inputs, outputs, embedding, attends):
        super().__init__()
        self.norms = nn.ModuleList([nn.GroupNorm(8, inputs), nn.GroupNorm(8, outputs)])
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.time = nn.Linear(embedding, outputs)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        self.attention = Attention(outputs, PixelGroupNorm(8, outputs)) if attends else None

    def forward(self, x, embedding):
        hidden = (
            self.first(functional.silu(self.norms[0](x)))
            + self.time(functional.silu(embedding))[:, :, None, None]
        )
        hidden = self.second(functional.silu(self.norms[1](hidden))) + self.skip(x)
        if self.attention is None:
            return hidden
        return as_image(self.attention(as_pixels(hidden)), hidden)


class Bonnaire(nn.Module):
    def __init__(self, width, multipliers=(1, 2, 4), blocks=2, attends=(False, True, True)):
        super().__init__()
        self.width, embedded = width, 4 * width
        self.embedding = nn.Sequential(nn.Linear(width, embedded), nn.SiLU(), nn.Linear(embedded, embedded))
        self.entry = nn.Conv2d(1, width, 3, padding=1)
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        channels, kept = width, [width]
        for level, multiplier in enumerate(multipliers):
            for _ in range(blocks):
                self.encoder.append(Residual(channels, width * multiplier, embedded, attends[level]))
                channels = width * multiplier
                kept.append(channels)
            if level < len(multipliers) - 1:
                self.encoder.append(nn.Conv2d(channels, channels, 3, stride=2, padding=1))
                kept.append(channels)
        self.middle = nn.ModuleList([Residual(channels, channels, embedded, on) for on in (True, False)])
        for level in reversed(range(len(multipliers))):
            for _ in range(blocks + 1):
                joined, channels = channels + kept.pop(), width * multipliers[level]
                self.decoder.append(Residual(joined, channels, embedded, attends[level]))
            if level:
                convolution = nn.Conv2d(channels, channels, 3, padding=1)
                self.decoder.append(nn.Sequential(nn.Upsample(scale_factor=2), convolution))
        self.norm, self.exit = nn.GroupNorm(8, channels), nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, time, x):
        embedding = self.embedding(sinusoids(time, self.width))
        x = self.entry(x)
        kept = [x]
        for stage in self.encoder:
            x = stage(x, embedding) if isinstance(stage, Residual) else stage(x)
            kept.append(x)
        for stage in self.middle:
            x = stage(x, embedding)
        for stage in self.decoder:
            joins = isinstance(stage, Residual)
            x = stage(torch.cat([x, kept.pop()], 1), embedding) if joins else stage(x)
        return self.exit(functional.silu(self.norm(x)))


class Pair(nn.Module):
    def __init__(self, inputs, outputs, hidden=None, residual=False):
        super().__init__()
        hidden = hidden or outputs
        self.residual = residual
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, hidden, 3, padding=1, bias=False),
            nn.GroupNorm(1, hidden),
            nn.GELU(),
            nn.Conv2d(hidden, outputs, 3, padding=1, bias=False),
            nn.GroupNorm(1, outputs),
        )

    def forward(self, x):
        return functional.gelu(x + self.layers(x)) if self.residual else self.layers(x)


class Transformer(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.attention = Attention(channels, nn.LayerNorm(channels))
        self.layers = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, channels), nn.GELU(), nn.Linear(channels, channels)
        )

    def forward(self, x):
        pixels = self.attention(as_pixels(x))
        return as_image(pixels + self.layers(pixels), x)


class Double(nn.Module):
    def __init__(self, inputs, outputs, hidden=None, attends=False):
        super().__init__()
        self.pairs = nn.Sequential(Pair(inputs, inputs, residual=True), Pair(inputs, outputs, hidden))
        self.transformer = Transformer(outputs) if attends else nn.Identity()

    def forward(self, x, time):
        x = self.pairs(x)
        return self.transformer(x + sinusoids(time, x.shape[1])[:, :, None, None])


class Halder(nn.Module):
    def __init__(self):
        super().__init__()
        self.entry = Pair(1, 64)
        self.down = nn.ModuleList(
            [Double(64, 128), Double(128, 256, attends=True), Double(256, 256, attends=True)]
        )
        self.up = nn.ModuleList([Double(512, 128, 256, True), Double(256, 64, 128), Double(128, 64, 64)])
        self.exit = nn.Conv2d(64, 1, 1)

    def forward(self, time, x):
        kept = [self.entry(x)]
        for stage in self.down:
            kept.append(stage(functional.max_pool2d(kept[-1], 2), time))
        x = kept.pop()
        for stage in self.up:
            x = stage(torch.cat([functional.interpolate(x, scale_factor=2), kept.pop()], 1), time)
        return self.exit(x)


def bonnaire(width):
    return Bonnaire(width)


def halder():
    return Halder()
