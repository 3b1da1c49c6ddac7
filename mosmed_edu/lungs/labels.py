"""Numbers of the lungs in a label volume."""

#: Label of each lung.
RIGHT, LEFT = 1, 2
