"""How numbers are computed (ground): precision, randomness, linear algebra, convolutions, padding, sums."""

from jaxmem.numerics.convolutions import Padding as Padding
from jaxmem.numerics.convolutions import average_pooling as average_pooling
from jaxmem.numerics.convolutions import convolution as convolution
from jaxmem.numerics.convolutions import maximum_pooling as maximum_pooling
from jaxmem.numerics.convolutions import nearest_upsampling as nearest_upsampling
