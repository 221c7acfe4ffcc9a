"""The parts of a diagram: layers grouped into blocks, stages of similar blocks, and networks side by side."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from photoclass.results.diagram.layers import Layer

# The layers between two layers that every path passes are a block, unless there are too many.
_MOST_WEIGHTS_IN_BLOCK = 24
# A picture has no more parts than this, and deeper nested networks are not split further.
_MOST_PARTS, _MOST_DEPTH = 32, 16
_FAMILIES = {
    "photo": "input",
    "photo and mirror image": "input",
    "mirror image": "input",
    "scaling": "input",
    "convolution": "convolution",
    "depthwise convolution": "convolution",
    "grouped convolution": "convolution",
    "upsampling": "convolution",
    "max pooling": "pooling",
    "average pooling": "pooling",
    "global average pooling": "pooling",
    "global max pooling": "pooling",
    "dense": "dense",
}
# Blocks that photoclass itself writes, by their kinds of layers.
_OWN_BLOCKS = {
    frozenset({"mirror image", "photo and mirror image"}): (
        "Photo and its mirror image",
        "both go through the same network",
        "input",
    ),
    frozenset({"Sign", "Abs", "Sqrt", "product"}): ("Signed root", "sign(f) × √|f|", "other"),
    frozenset({"Negative", "sigmoid", "concatenation"}): ("Sigmoid", "of the logit and its negative", "other"),
}
_COUNTABLE = ("convolution", "sum", "product", "concatenation", "norm")
_IN_ALL = "in total: "
_INVERTED, _RESIDUAL = "Inverted residual block", "Residual block"


@dataclass(frozen=True)
class Part:
    """One part of the diagram.

    Attributes:
        title: Its type.
        layers: Its layers, in order; the last one has its output shape.
        family: `input`, `convolution`, `pooling`, `dense` or `other`.
        note: Further properties.
        repeats: The number of similar blocks in it.
        has_shortcut: Whether it has a skip connection, which adds its input to its output.
        heading: The name of a network beside others, on its first part.
    """

    title: str
    layers: tuple[Layer, ...]
    family: str
    note: str = ""
    repeats: int = 1
    has_shortcut: bool = False
    heading: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """The output shape for one photo."""
        return self.layers[-1].shape

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def views(self) -> int:
        """The number of views of each photo in its output."""
        return self.layers[-1].views


def network_parts(layers: Sequence[Layer]) -> tuple[Part, ...]:
    """Group layers into at most some 30 parts.

    Args:
        layers: From `describe_network`; each layer is in exactly one part.
    """
    parts = _with_stem_and_head(_parts(layers, range(len(layers)), 0))
    if len(parts) > _MOST_PARTS:
        parts = _by_size(parts)
    if len(parts) > _MOST_PARTS:
        half = _MOST_PARTS // 2
        parts = [*parts[:half], _summary(parts[half:-half]), *parts[-half:]]
    return tuple(parts)


def _parts(layers: Sequence[Layer], members: Sequence[int], depth: int) -> list[Part]:
    """Group a range of layers."""
    parts: list[Part] = []
    for group in _with_inverted_blocks(layers, _groups(layers, members)):
        inner, weights = group[:-1], sum(layers[i].parameters > 0 for i in group)
        if weights > _MOST_WEIGHTS_IN_BLOCK and depth < _MOST_DEPTH:
            networks = _components(layers, inner)
            for number, network in enumerate(networks, 1):
                first, *others = _with_stem_and_head(_parts(layers, network, depth + 1))
                heading = (
                    f"Network {number} of {len(networks)}, on the same input" if len(networks) > 1 else first.heading
                )
                parts += [dataclasses.replace(first, heading=heading), *others]
            joined = _part([layers[group[-1]]])
            note = f"of the {len(networks)} networks" if len(networks) > 1 else joined.note
            parts.append(dataclasses.replace(joined, note=note))
        else:
            parts.append(_part([layers[i] for i in group]))
    return _stages(parts)


def _groups(layers: Sequence[Layer], members: Sequence[int]) -> list[list[int]]:
    """Split a range of layers after each layer that every path passes (a dominator of the last one)."""
    inside = set(members)
    outside = -1
    dominators: dict[int, int] = {}

    def common(first: int, second: int) -> int:
        """Return the last common dominator of two layers; a layer has a higher index than those before it."""
        while first != second:
            first, second = (dominators[first], second) if first > second else (first, dominators[second])
        return first

    passed_on: set[int] = set()
    for i in members:
        before = [j if j in inside else outside for j in layers[i].inputs] or [outside]
        passed_on.update(before)
        nearest = before[0]
        for other in before[1:]:
            nearest = common(nearest, other)
        dominators[i] = nearest
    ends = [i for i in members if i not in passed_on]
    end = ends[0]
    for other in ends[1:]:
        end = common(end, other)
    spine = set()
    while end != outside:
        spine.add(end)
        end = dominators[end]
    groups: list[list[int]] = [[]]
    for i in members:
        groups[-1].append(i)
        if i in spine:
            groups.append([])
    return [group for group in groups if group]


def _with_inverted_blocks(layers: Sequence[Layer], groups: list[list[int]]) -> list[list[int]]:
    """Merge inverted residual blocks without a skip connection, which `_groups` sees as chains."""
    merged: list[list[int]] = []
    at = 0
    while at < len(groups):
        for length in (3, 2):
            chain = [i for group in groups[at : at + length] for i in group]
            if len(chain) == length and _is_inverted([layers[i] for i in chain]):
                merged.append(chain)
                at += length
                break
        else:
            merged.append(groups[at])
            at += 1
    return merged


def _is_inverted(block: Sequence[Layer]) -> bool:
    """Return whether layers are an inverted residual block: expand, depthwise, project, add.

    Source: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018,
    https://arxiv.org/abs/1801.04381
    """
    chain = block[:-1] if block[-1].kind == "sum" else block
    kinds = [layer.kind for layer in chain]
    points = [layer.kernel == (1, 1) for layer in chain if layer.kind == "convolution"]
    return (
        kinds in (["convolution", "depthwise convolution", "convolution"], ["depthwise convolution", "convolution"])
        and all(points)
        and all(len(layer.shape) == 3 for layer in chain)
        and not chain[-1].activation
    )


def _components(layers: Sequence[Layer], members: Sequence[int]) -> list[list[int]]:
    """Split layers into their connected components."""
    network_of: dict[int, int] = {}
    for i in members:
        before = {network_of[j] for j in layers[i].inputs if j in network_of}
        own = min(before, default=i)
        network_of = {j: own if network in before else network for j, network in network_of.items()} | {i: own}
    return [[i for i in members if network_of[i] == own] for own in dict.fromkeys(network_of.values())]


def _part(block: list[Layer]) -> Part:
    """Make a part of a single layer or of a block."""
    last = block[-1]
    if len(block) == 1:
        is_known = last.kind[:1].islower()
        title = last.kind[:1].upper() + last.kind[1:]
        note = last.note if is_known else ", ".join(filter(None, [f"“{last.name}”", last.note]))
        return Part(title, (last,), _FAMILIES.get(last.kind, "other"), note)
    kinds = frozenset(layer.kind for layer in block)
    if kinds in _OWN_BLOCKS:
        title, note, family = _OWN_BLOCKS[kinds]
        return Part(title, tuple(block), family, note)
    has_shortcut = last.kind == "sum"
    family = "convolution" if any("convolution" in kind for kind in kinds) else "other"
    if _is_inverted(block):
        return Part(_INVERTED, tuple(block), family, _describe_inverted(block), has_shortcut=has_shortcut)
    title = _RESIDUAL if has_shortcut else "Parallel branches" if last.kind == "concatenation" else "Block"
    return Part(title, tuple(block), family, _counts(block), has_shortcut=has_shortcut)


def _describe_inverted(block: Sequence[Layer]) -> str:
    """Describe the blocks of one stage, which may differ in their expanded width."""
    depthwise = next(layer for layer in block if layer.kind == "depthwise convolution")
    widths = dict.fromkeys(f"{layer.shape[-1]:,}" for layer in block if layer.kind == "depthwise convolution")
    expansion = f"expanded to {', then '.join(widths)} channels, " if block[0] is not depthwise else ""
    projection = next(layer for layer in reversed(block) if layer.kind == "convolution")
    return f"{expansion}{'×'.join(map(str, depthwise.kernel))} depthwise, projected to {projection.shape[-1]:,}"


def _counts(block: Sequence[Layer]) -> str:
    """Count the layers of each kind, as in `2 convolutions, 1 sum`."""
    counts = Counter(layer.kind for layer in block)
    return ", ".join(
        f"{count} {kind}{'s' if count > 1 and kind.endswith(_COUNTABLE) else ''}"
        for kind, count in counts.most_common(6)
    )


def _stages(parts: list[Part]) -> list[Part]:
    """Merge consecutive similar blocks."""
    stages: list[Part] = []
    for part in parts:
        before = stages[-1] if stages else None
        if before and _are_similar(before, part):
            together = (*before.layers, *part.layers)
            shortcut = before.has_shortcut or part.has_shortcut
            if part.title == _INVERTED:
                note = _describe_inverted(together)
            else:
                note = part.note if part.note == before.note else f"{_IN_ALL}{_counts(together)}"
            stages[-1] = dataclasses.replace(
                before, layers=together, note=note, repeats=before.repeats + 1, has_shortcut=shortcut
            )
        else:
            stages.append(part)
    return [_with_stage_note(stage) for stage in stages]


def _are_similar(before: Part, part: Part) -> bool:
    is_block = part.title in (_INVERTED, _RESIDUAL) and not part.heading
    return is_block and (before.title, before.shape, _kernel(before)) == (part.title, part.shape, _kernel(part))


def _kernel(part: Part) -> tuple[int, ...]:
    return max((layer.kernel for layer in part.layers), default=())


def _with_stage_note(stage: Part) -> Part:
    """Add the stride and the precision to the note of a stage."""
    if len(stage.layers) == 1 or "int8" in stage.note:
        return stage
    notes = [f"each: {stage.note}" if stage.repeats > 1 and not stage.note.startswith(_IN_ALL) else stage.note]
    step = max((max(layer.stride, default=1) for layer in stage.layers), default=1)
    if step > 1:
        notes.append(f"the first with stride {step}" if stage.repeats > 1 else f"stride {step}")
    weighted = [layer.is_int8 for layer in stage.layers if layer.parameters]
    if any(weighted):
        notes.append("int8" if all(weighted) else "partly int8")
    return dataclasses.replace(stage, note="; ".join(notes))


def _with_stem_and_head(parts: list[Part]) -> list[Part]:
    """Name the convolution before the first block the stem, and the one after the last block the head."""
    blocks = [i for i, part in enumerate(parts) if part.title in (_INVERTED, _RESIDUAL)]
    if not blocks:
        return parts
    stem = next((i for i, part in enumerate(parts[: blocks[0]]) if part.title == "Convolution"), None)
    head = next((i for i in range(len(parts) - 1, blocks[-1], -1) if parts[i].title == "Convolution"), None)
    named = {stem: "Stem: convolution", head: "Head: convolution"}
    return [dataclasses.replace(part, title=named.get(i, part.title)) for i, part in enumerate(parts)]


def _by_size(parts: list[Part]) -> list[Part]:
    """Merge neighbours with feature maps of the same size."""
    runs: list[list[Part]] = []
    for part in parts:
        if runs and not part.heading and part.shape[:-1] == runs[-1][-1].shape[:-1]:
            runs[-1].append(part)
        else:
            runs.append([part])
    return [_summary(run) if len(run) > 2 else part for run in runs for part in (run if len(run) < 3 else run[:1])]


def _summary(parts: Sequence[Part]) -> Part:
    """Merge any parts."""
    layers = tuple(layer for part in parts for layer in part.layers)
    family = Counter(part.family for part in parts).most_common(1)[0][0]
    return Part(f"{len(layers)} layers", layers, family, _counts(layers), heading=parts[0].heading)
