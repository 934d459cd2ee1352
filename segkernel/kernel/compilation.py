"""Every Numba option of the project.

`part` marks what kernels call, `entry` what Python calls. With `NUMBA_DISABLE_JIT=1` both leave plain Python functions.

Numba would optimise and translate each part alone, then once more in each function that it is merged into. Here parts stay as they are
until their entry has them all, which is optimised once and translated once: half the time.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numba
from llvmlite import binding
from numba import types
from numba.core import codegen, compiler_lock, sigutils
from numba.core.registry import cpu_target

from segkernel.kernel.entries import JIT, Entry, entry_of, sources
from segkernel.kernel.machine_code import Argument, Code, by_address, words_of

__all__ = ["JIT", "entry", "inlined", "njit", "part"]

njit: Any = numba.njit
_OPTIONS = {
    "nogil": True, "boundscheck": False, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
    "_nrt": False,  # nothing in the kernel asks for memory
}  # fmt: skip


def part(function: Callable[..., Any]) -> Any:
    """A function that kernels call; without the wrappers that Python or C would need to call it."""
    return njit(**_OPTIONS)(function)


def inlined(function: Callable[..., Any]) -> Any:
    """A part that is merged into its callers: the optimiser then sees through it."""
    return njit(forceinline=True, **_OPTIONS)(function)


def entry(*signatures: str) -> Callable[[Callable[..., Any]], Entry]:
    """A function that Python calls, compiled for just these combinations of types."""

    def wrap(function: Callable[..., Any]) -> Entry:
        room, name = function.__module__.rpartition(".")[2], function.__name__
        sources[room, name] = function, partial(compiled, function, signatures)
        return entry_of(room, name)

    return wrap


def compiled(function: Callable[..., Any], signatures: tuple[str, ...]) -> list[Code]:
    """The machine code of a function for each signature."""
    with _unfinished():
        return [_code(function, signature) for signature in signatures]


class _Library(codegen.JITCodeLibrary):
    """A function with what it calls, not yet optimised."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True


@contextmanager
def _unfinished() -> Iterator[None]:
    """Has Numba leave functions as they are; no other thread compiles meanwhile."""
    generator, collecting = cpu_target.target_context.codegen(), gc.isenabled()
    with compiler_lock.global_compiler_lock:
        generator._library_class, generator.set_env = _Library, lambda name, env: None
        gc.disable()  # a hundred thousand objects of the compiler's that all stay until its end
        try:
            yield
        finally:
            del generator._library_class, generator.set_env
            if collecting:
                gc.enable()


def _code(function: Callable[..., Any], signature: str) -> Code:
    dispatcher = njit(**_OPTIONS)(function)
    dispatcher.compile(signature)
    (found,) = dispatcher.overloads.values()
    arguments = tuple(_argument(each) for each in sigutils.normalize_signature(signature)[0])
    result, results = _result(found.signature.return_type)
    library, name = found.library, found.fndesc.llvm_func_name
    _as_expected(found, arguments)
    symbol, caller = by_address(name, arguments)
    library._final_module.link_in(binding.parse_assembly(caller))
    library._optimize_final_module()
    _alone(library._final_module)
    return Code(symbol, arguments, result, results, library.codegen._tm.emit_object(library._final_module))


def _argument(kind: Any) -> Argument:
    if isinstance(kind, types.Array):
        assert kind.layout == "C"
        return Argument(str(kind.dtype), kind.ndim, kind.mutable)
    return Argument(_named(kind), 0, False)


def _result(kind: Any) -> tuple[str, int]:
    if isinstance(kind, types.NoneType):
        return "void", 0
    return (_named(kind.dtype), kind.count) if isinstance(kind, types.UniTuple) else (_named(kind), 1)


def _named(kind: Any) -> str:
    return "boolean" if kind is types.boolean else str(kind)


def _alone(module: Any) -> None:
    """Holds that code calls the C library at most: where it is loaded, there is no Numba to help."""
    foreign = [each.name for each in module.functions if each.is_declaration and each.name.startswith(("numba", "NRT", "Py", "_Py"))]
    if foreign:
        raise RuntimeError(f"the kernel must not call {', '.join(foreign)}")


def _as_expected(found: Any, arguments: tuple[Argument, ...]) -> None:
    """Holds that this version of Numba hands arguments over as `machine_code` does."""
    taken = found.target_context.call_conv.get_function_type(found.signature.return_type, found.signature.args).args
    if ["ptr" if each.is_pointer else str(each) for each in taken] != words_of(arguments):
        raise RuntimeError(f"Numba {numba.__version__} hands arguments over in another way; install an earlier version")
