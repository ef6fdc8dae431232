"""The shape of the package, read from its files: who imports whom, how long files are, what a plugin file holds."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "sqcli"
LEAVES = ("errors", "exactness", "registry", "parameters", "files", "text", "stopping", "options")
BASIS = {"theories", "lattice"}
PHYSICS = {"mcmc", "diffusion", "observables", *BASIS}
ALLOWED = {
    "stats": set(),
    "store": set(),
    "lattice": set(),
    "theories": {"lattice"},
    "mcmc": BASIS,
    "diffusion": BASIS,
    "observables": {*BASIS, "stats"},
    "analysis": {*PHYSICS, "stats", "store"},
    "runs": {"analysis", *PHYSICS, "stats", "store"},
    "comparison": {"runs", "analysis", *PHYSICS, "stats", "store"},
    "figures": {"runs", "analysis", *PHYSICS, "stats", "store"},
    "recipes": {"comparison", "figures", "runs", "analysis", "store"},
    "cli": {"recipes", "comparison", "figures", "runs", "analysis", "store"},
}
"""Folder -> folders that it may import from. `runs` reads ensembles through `analysis`, never the other way round."""
PLUGINS = ("theories", "mcmc", "observables", "figures", "diffusion/nets", "diffusion/schedules", "diffusion/samplers")
WITH_TORCH = (
    "sqcli.runs.sampling.tiles",
    "sqcli.figures._cumulant_curves",
    "sqcli.figures._effective_actions",
    "sqcli.figures._plane_fields",
    "sqcli.figures._reverse_process",
    "sqcli.figures._score_curves",
)
"""Files outside `diffusion` that work on tensors; what imports them is itself imported when it is wanted."""
MOST_LINES = 250
PLUGIN_LINES = 120
MOST_FUNCTION_LINES = 40
KERNEL = {"jit", "kernel"}
DEPENDENT = {"Of", "As", "That", "Those"}


def module_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def imported(name, *, inside_functions=True):
    """Modules that `name` imports, wherever the import stands; those under TYPE_CHECKING left out."""
    found, waiting = set(), list(TREES[name].body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not inside_functions:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {module if module in FILES else str(node.module) for module in whole}
        waiting.extend(ast.iter_child_nodes(node))
    return found


def folder_of(name):
    """The package whose folder a module's file lies in."""
    return name if FILES[name].name == "__init__.py" else name.rpartition(".")[0]


def layer(module):
    return module.split(".")[1] if module.count(".") else ""


@pytest.mark.parametrize("name", [name for name in FILES if layer(name) in ALLOWED])
def test_imports_go_one_way(name):
    own = layer(name)
    ours = {layer(module) for module in imported(name) if module.split(".")[0] == "sqcli"}
    assert ours - {own, "", *LEAVES} <= ALLOWED[own]


@pytest.mark.parametrize("name", FILES)
def test_a_leading_underscore_means_used_in_this_folder_only(name):
    """Others take what they need from the folder's package, or from its public files."""
    private = [module for module in imported(name) & set(FILES) if module.rpartition(".")[2].startswith("_")]
    assert all(folder_of(name) == module.rpartition(".")[0] for module in private if not module.endswith("__"))


def test_folders_have_no_circle():
    """What holds for files holds for the folders that they lie in; the root holds leaves, and the program on top."""
    pairs = [(folder_of(name), folder_of(module)) for name in FILES for module in imported(name) & set(FILES)]
    needs = {folder: {other for one, other in pairs if one == folder} - {folder, "sqcli"} for folder, _ in pairs}
    needs.pop("sqcli")
    while free := [folder for folder, others in needs.items() if not others & set(needs)]:
        for folder in free:
            del needs[folder]
    assert not needs


@pytest.mark.parametrize("leaf", LEAVES)
def test_leaves_need_nothing_but_python(leaf):
    outside = {module for module in imported(f"sqcli.{leaf}") if not module.startswith("sqcli")}
    assert {module.split(".")[0] for module in outside} <= set(sys.stdlib_module_names)
    ours = imported(f"sqcli.{leaf}") - outside
    assert ours <= {f"sqcli.{other}" for other in LEAVES}


@pytest.mark.parametrize(
    ("folder", "packages"), [("stats", {"numpy"}), ("store", {"numpy", "zarr", "xarray", "google_crc32c"})]
)
def test_statistics_and_storage_know_no_other_package(folder, packages):
    for name in FILES:
        if layer(name) == folder:
            heads = {module.split(".")[0] for module in imported(name)}
            assert heads - set(sys.stdlib_module_names) <= packages | {"sqcli"}, name


def test_no_module_imports_itself_on_the_way():
    """Depth first; an edge back to a module that is still being looked at closes a cycle."""
    state = {}

    def visit(name, way):
        state[name] = "open"
        for module in sorted(imported(name, inside_functions=False) & set(FILES)):
            assert state.get(module) != "open", " -> ".join([*way, name, module])
            if module not in state:
                visit(module, [*way, name])
        state[name] = "done"

    for name in FILES:
        if name not in state:
            visit(name, [])


@pytest.mark.parametrize("name", FILES)
def test_files_are_short_and_say_what_they_are(name):
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    assert ast.get_docstring(TREES[name])


def definitions(name):
    """Every class and function of a file, with its docstring or None."""
    nodes = [node for node in ast.walk(TREES[name]) if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    return [(node, ast.get_docstring(node)) for node in nodes]


@pytest.mark.parametrize("name", FILES)
def test_docstrings_can_be_read_alone(name):
    """A sentence that begins with one of these words goes on with what a reader does not see."""
    for node, text in [(None, ast.get_docstring(TREES[name])), *definitions(name)]:
        assert (text or "").partition(" ")[0] not in DEPENDENT, f"{name}.{node.name if node else ''}: {text}"


@pytest.mark.parametrize("name", FILES)
def test_functions_are_short(name):
    """Kernels are not: a call within them would cost."""
    for node, _ in definitions(name):
        if isinstance(node, ast.FunctionDef) and not KERNEL & {
            word for each in node.decorator_list for word in ast.unparse(each).split("(")
        }:
            assert node.end_lineno - node.lineno < MOST_FUNCTION_LINES, f"{name}.{node.name}"


def test_a_public_class_has_one_meaning():
    found = {}
    for name in FILES:
        for node in TREES[name].body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(name)
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def plugins():
    for folder in PLUGINS:
        yield from (path for path in sorted((ROOT / folder).glob("*.py")) if not path.stem.startswith("_"))


@pytest.mark.parametrize("path", list(plugins()), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_plugin_file_holds_one_public_frozen_dataclass(path):
    tree = TREES[module_of(path)]
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    assert len(classes) == 1
    assert "dataclass(frozen=True)" in " ".join(ast.unparse(decorator) for decorator in classes[0].decorator_list)
    assert path.stem.isidentifier()
    assert path.stem == path.stem.lower()
    assert len(path.read_text(encoding="utf-8").splitlines()) <= PLUGIN_LINES


@pytest.mark.parametrize("name", FILES)
def test_heavy_packages_are_not_loaded_where_they_are_not_needed(name):
    """torch, xarray and scipy.stats take longer to load than a measurement."""
    heads = imported(name, inside_functions=False)
    heavy = {module for module in heads if module.split(".")[0] in ("torch", "xarray", "matplotlib", "arviz_stats")}
    assert layer(name) == "diffusion" or name in WITH_TORCH or not heavy
    assert "scipy.stats" not in heads
