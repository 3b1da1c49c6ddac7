"""What the outputs of a notebook depend on, so that only those are made again whose code or data have changed.

Imports are read from the source, those inside functions too, and followed from module to module. A name taken from a
package is followed to the module that defines it: `from mosmed_edu.plotting import show_zoom` depends on the module of
`show_zoom` and what that imports, not on every figure there is. Tools that draw import graphs know modules only; for
them each chapter depends on nearly everything, because packages gather the names of their modules.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager
from pages import read_page


class Package:
    """The modules of a package, and what imports what.

    Parameters
    ----------
    folder : Path
        Of the package; its name is the package's.
    """

    def __init__(self, folder: Path):
        self.root = folder.parent
        self.modules = {_dotted(path.relative_to(self.root)): path for path in sorted(folder.rglob("*.py"))}
        self._known: dict[str, set[str]] = {}

    @cached_property
    def _trees(self) -> dict[str, ast.Module]:
        return {name: ast.parse(path.read_bytes()) for name, path in self.modules.items()}

    def files_behind(self, trees: Iterable[ast.AST]) -> set[Path]:
        """Every file of the package that this code can come to run."""
        waiting = [name for tree in trees for name in self._imported(tree)]
        found = set()
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._imports(name)
        return {self.modules[name] for name in found}

    def _imports(self, name: str) -> set[str]:
        """What a module imports, read once."""
        if name not in self._known:
            self._known[name] = self._imported(self._trees[name], name)
        return self._known[name]

    def _imported(self, tree: ast.AST, inside: str = "") -> set[str]:
        """Modules that code imports. All its imports count, wherever they stand and whether or not they are reached."""
        found = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found |= {name for name in _with_parents(alias.name) if name in self.modules}
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node, inside)
                found |= {self._home(base, alias.name) for alias in node.names if base in self.modules}
        return found

    def _base(self, node: ast.ImportFrom, inside: str) -> str:
        """The module that names are taken from, dots in front resolved."""
        if not node.level:
            return node.module
        package = inside.split(".") if self._is_package(inside) else inside.split(".")[:-1]
        return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])

    def _home(self, base: str, name: str) -> str:
        """The module that defines a name which is imported from `base`."""
        if f"{base}.{name}" in self.modules:
            return f"{base}.{name}"
        if self._is_package(base):
            for node in ast.walk(self._trees[base]):
                if isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        origin = self._base(node, base)
                        if (alias.asname or alias.name) == name and origin in self.modules and origin != base:
                            return self._home(origin, alias.name)
        return base

    def _is_package(self, name: str) -> bool:
        return name in self.modules and self.modules[name].name == "__init__.py"


def digest_of(path: Path, package: Package, everywhere: str) -> str:
    """What a notebook's outputs were made from, in one word.

    Parameters
    ----------
    path : Path
        A notebook, or a page of MyST Markdown with code cells.
    package : Package
    everywhere : str
        What all of them depend on: data, libraries.

    Returns
    -------
    digest : str
        Another one when the code behind the notebook, or a file beside it that its cells name, has changed. A change of
        the notebook's own text is Jupyter's cache's to see.
    """
    trees = list(_cells(path))
    # A cell that cannot be read may do anything.
    files = package.modules.values() if None in trees else package.files_behind(trees)
    return digest_of_files([*files, *_files_named(trees, path.parent)], everywhere)


def digest_of_files(paths: Iterable[Path], start: str = "") -> str:
    """Names and contents of files, in one word."""
    digest = hashlib.sha256(start.encode())
    for path in sorted(set(paths)):
        for part in (str(path).encode(), path.read_bytes()):
            digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _cells(path: Path) -> Iterator[ast.Module | None]:
    """Each code cell, parsed; None for one that is no Python."""
    for cell in read_page(path).cells:
        if cell.cell_type == "code":
            try:
                yield ast.parse(TransformerManager().transform_cell(cell.source))  # magics become calls
            except SyntaxError:
                yield None


def _files_named(trees: Iterable[ast.Module | None], folder: Path) -> Iterator[Path]:
    """Files that lie where a text in a cell says: quizzes, tables."""
    for tree in trees:
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 200:
                path = folder / node.value
                try:
                    if path.is_file():
                        yield path
                except (OSError, ValueError):  # a text that is no name of a file
                    continue


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
