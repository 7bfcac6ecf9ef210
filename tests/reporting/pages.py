"""What is read out of a page: the figures of Plotly and the numbers in them."""

import base64
import json
import re

import numpy as np


def figures(page):
    """Data and layout of every figure."""
    decoder, found = json.JSONDecoder(), []
    for match in re.finditer(r"Plotly\.newPlot\(\s*\"[^\"]+\",\s*", page):
        data, end = decoder.raw_decode(page, match.end())
        start = page.index("{", end)
        found.append((data, decoder.raw_decode(page, start)[0]))
    return found


def values(array):
    """Plotly packs numbers."""
    if isinstance(array, dict):
        flat = np.frombuffer(base64.b64decode(array["bdata"]), np.dtype(array["dtype"]))
        return flat.reshape([int(size) for size in array["shape"].split(",")]) if "shape" in array else flat
    return np.asarray(array)
