"""Find the lungs on a chest CT, and tell the right one from the left.

The classical way: a threshold finds air, components and a seed in the windpipe tell lung from other air, filled holes
and a closing bring back what is dense within the lung (Hu, Hoffman and Reinhardt 2001). It is fast and its faults can
be seen and explained, which is why it is here; it is no match for a trained network where much of a lung is solid.
"""

from mosmed_edu.lungs.labels import LEFT, RIGHT
from mosmed_edu.lungs.outline import CLOSING_MM
from mosmed_edu.lungs.segment import Lungs, segment_lungs
from mosmed_edu.lungs.turned import AIR_HU

__all__ = ["AIR_HU", "CLOSING_MM", "LEFT", "RIGHT", "Lungs", "segment_lungs"]
