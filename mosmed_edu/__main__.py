"""`python -m mosmed_edu` is `mosmed-edu`."""

from mosmed_edu.cli import main

raise SystemExit(main())
