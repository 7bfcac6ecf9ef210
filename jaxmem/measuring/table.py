"""A measurement as text: what a person reads first."""

from collections.abc import Iterator

import numpy as np

from jaxmem.measuring.measurement import Average, CellTest, Measurement, Share
from jaxmem.statistics.table import aligned


def measurement_table(found: Measurement) -> str:
    """Lines of text: the verdict, shares beside their baselines, C_T, Δ, nearest pairs, power."""
    parts = [
        _headline(found),
        list(_verdict(found)),
        _shares(found),
        *([_copying(found.data_copying), _gaps(found)] if found.held_out_count else []),
        _pairs(found),
        list(_power(found)),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts)


def _headline(found: Measurement) -> list[str]:
    lines = [
        f"{found.generated_count} generated samples, {found.train_count} training samples, "
        f"{found.held_out_count or 'no'} held-out samples, d = {found.dim}"
    ]
    for count, what in (
        (
            found.train_duplicates,
            "training samples repeat an earlier one and are left out of nearest neighbours",
        ),
        (found.generated_duplicates, "generated samples repeat an earlier one"),
        (found.held_out_in_train, "held-out samples are training samples too: the baseline holds copies"),
    ):
        if count:
            lines.append(f"note: {count} {what}")
    return lines


def _verdict(found: Measurement) -> Iterator[str]:
    if not found.held_out_count:
        yield "Without held-out samples there is no baseline, and so no verdict: give some with --held-out."
        return
    seen = [_spelt(name) for name in found.copying_seen_by]
    if seen:
        yield f"Copying is seen, at 5 % over all tests, by: {', '.join(seen)}."
    else:
        yield f"No copying is seen, at 5 % over all {len(found.p_values)} tests."


def _shares(found: Measurement) -> list[str]:
    held_out = bool(found.held_out_count)
    columns = [["", "memorised fraction", "authenticity", "memorisation m"]]
    shares, averages = (found.memorised, found.authentic), (found.memorisation, found.memorisation_held_out)
    columns.append(["generated", *(_share(each) for each in shares), _average(averages[0])])
    if held_out:
        baseline = [_bounds(each.held_out, each.held_out_low, each.held_out_high) for each in shares]
        excess = [_bounds(each.excess, each.excess_low, each.excess_high, "+.3f") for each in shares]
        moved = averages[0].value - averages[1].value
        error = np.hypot(averages[0].error, averages[1].error)
        columns.append(["held out", *baseline, _average(averages[1])])
        columns.append(["difference", *excess, f"{moved:+.3f} ± {error:.3f}"])
        columns.append(["p", *(_p(each.p_value) for each in shares), ""])
    return aligned(columns)


def _copying(test: CellTest) -> list[str]:
    head = f"data copying C_T = {test.value:.2f} (z = {test.z:.2f}, p = {_p(test.p_value)}), by cells:"
    cells = test.cells
    return [
        head,
        *aligned(
            [
                ["cell", *(str(number) for number in range(len(cells)))],
                ["generated", *(str(cell.generated) for cell in cells)],
                ["held out", *(str(cell.held_out) for cell in cells)],
                ["z", *(f"{cell.z:.2f}" for cell in cells)],
                ["p", *(_p(cell.p_value) for cell in cells)],
                ["", *("copied" if cell.copied else "" if cell.used else "not used" for cell in cells)],
            ]
        ),
    ]


def _gaps(found: Measurement) -> list[str]:
    gaps = found.distances
    head = (
        "D(train, generated) - D(held out, generated), below 0 where copying, "
        f"of {found.compared} train and as many held-out samples:"
    )
    columns = [
        ["distance", *map(_spelt, gaps)],
        ["delta", *(f"{gap.delta:.4g}" for gap in gaps.values())],
        [f"{found.confidence:.0%} interval", *(f"[{gap.low:.4g}, {gap.high:.4g}]" for gap in gaps.values())],
        ["p", *(_p(gap.p_value) for gap in gaps.values())],
    ]
    return [head, *aligned(columns)]


def _pairs(found: Measurement) -> list[str]:
    pairs = found.nearest_pairs
    columns = [
        ["generated row", *(str(pair.generated) for pair in pairs)],
        ["training row", *(str(pair.train) for pair in pairs)],
        ["distance", *(f"{pair.distance:.4g}" for pair in pairs)],
        ["to second nearest", *(f"{pair.ratio:.3f}" for pair in pairs)],
    ]
    return ["nearest pairs:", *aligned(columns)]


def _power(found: Measurement) -> Iterator[str]:
    level = f"{found.confidence:.0%}"
    yield f"memorised fraction: at most {found.memorised_upper:.3g} (one-sided, {level})"
    yield (
        f"had none been seen, the rate of copies would be at most {found.unseen_upper:.3g} with so many "
        f"samples ({level})"
    )
    if found.held_out_count and not np.isnan(found.detectable_copies):
        yield (
            f"a rate of {found.detectable_copies:.3g} is found with probability 0.8 by the test of the "
            "memorised fraction at 5 %"
        )
    elif found.held_out_count:
        yield "so few samples cannot refute anything: not even a model of nothing but copies"


def _share(share: Share) -> str:
    return _bounds(share.value, share.low, share.high)


def _bounds(value: float, low: float, high: float, form: str = ".3f") -> str:
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


def _average(average: Average) -> str:
    return f"{average.value:.3f} ± {average.error:.3f}"


def _p(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2g}"


def _spelt(name: str) -> str:
    return name.replace("_", " ")
