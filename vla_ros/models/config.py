"""What a checkpoint's `config.json` says: every size of every layer follows from it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from vla_ros.core.errors import CheckpointError, MessageError

FORMAT = 1
LAYOUTS = ("joint", "per_view")
POOLING = ("mean", "per_view", "tokens")
HEADS = ("regression", "flow")
TOKEN_QUERIES = 4  # vectors that an expert makes of all tokens
INPUTS = ("sensor", "robot_states")


@dataclass(frozen=True, slots=True)
class WindowConfig:
    """One input that arrives as a window of samples, and the encoder that reads it."""

    window: int  # samples, oldest first
    channels: int  # values of a sample
    rate_hz: float  # sampling rate that the policy was trained with [Hz]
    width: int  # channels of the encoder's inner layers
    dim: int  # values of its output


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """A policy: its vision-language model, its inputs, its experts and what they put out.

    `vlm` is a folder inside the checkpoint's, an absolute path or a Hugging Face id. `input_sets`
    lists the combinations of inputs, besides the features, for which experts were trained: each
    has an expert for each of `heads`. An action is six deltas a step (dx dy dz [m], droll dpitch
    dyaw [rad]), each within `max_delta`, and with `gripper` a seventh value, 0 open to 1 closed.
    """

    format: int
    vlm: str
    views: tuple[str, ...]  # camera names, in the order in which the model sees them
    prompt: str  # text after the images; {instruction} is replaced
    layout: str  # joint: all views in one sequence; per_view: a sequence for each
    pooling: str  # mean over all tokens; per_view: one mean a view; tokens: all of them
    feature_dim: int  # hidden size of the vision-language model
    sensor: WindowConfig | None
    robot_states: WindowConfig | None
    input_sets: tuple[tuple[str, ...], ...]
    heads: tuple[str, ...]
    hidden: int  # width of the experts
    blocks: int  # residual blocks of an expert
    flow_steps: int  # Euler steps of the flow-matching head
    horizon: int  # actions in a chunk
    dt_s: float  # from one action to the next [s]
    max_delta: tuple[float, ...]  # largest |delta| of one step, (6,) [m, rad]
    gripper: bool

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        _check(self.format == FORMAT, "format", self.format, str(FORMAT))
        _check(self.layout in LAYOUTS, "layout", self.layout, ", ".join(LAYOUTS))
        _check(self.pooling in POOLING, "pooling", self.pooling, ", ".join(POOLING))
        _check("{instruction}" in self.prompt, "prompt", self.prompt, "a text with {instruction}")
        _check(bool(self.views), "views", self.views, "at least one camera name")
        _check(len(set(self.views)) == len(self.views), "views", self.views, "each name once")
        _check(bool(self.heads), "heads", self.heads, "at least one of " + ", ".join(HEADS))
        for head in self.heads:
            _check(head in HEADS, "heads", head, ", ".join(HEADS))
        _check(len(self.max_delta) == 6, "max_delta", self.max_delta, "six numbers")
        _check(min(self.max_delta) > 0, "max_delta", self.max_delta, "numbers above 0")
        _check(bool(self.input_sets), "input_sets", self.input_sets, "at least one set ([] is one)")
        for inputs in self.input_sets:
            self._check_inputs(inputs)
        _check_positive(self, "")

    def _check_inputs(self, inputs: tuple[str, ...]) -> None:
        has = tuple(name for name in INPUTS if getattr(self, name) is not None)
        in_order = tuple(name for name in has if name in inputs)
        allowed = f"a selection of {', '.join(has) or 'nothing'}, in this order (what it describes)"
        _check(inputs == in_order, "input_sets", inputs, allowed)

    @property
    def action_dim(self) -> int:
        """Return the number of values of an action."""
        return len(self.max_delta) + int(self.gripper)

    def window(self, name: str) -> WindowConfig:
        """Return the description of the input `name`, which some input set names."""
        window: WindowConfig | None = getattr(self, name)
        if window is None:
            raise CheckpointError(f"config.json describes no {name}")
        return window

    @property
    def features_shape(self) -> tuple[int | None, ...]:
        """Return the shape of the features; None stands for any number of tokens."""
        leading: dict[str, tuple[int | None, ...]] = {
            "mean": (),
            "per_view": (len(self.views),),
            "tokens": (None,),
        }
        return (*leading[self.pooling], self.feature_dim)

    def check_features(self, shape: tuple[int, ...]) -> None:
        """Raise MessageError unless features of this shape are such as the policy takes."""
        wanted = self.features_shape
        fits = len(shape) == len(wanted) and 0 not in shape
        if not fits or any(w not in (None, s) for s, w in zip(shape, wanted, strict=True)):
            known = ", ".join("tokens" if size is None else str(size) for size in wanted)
            raise MessageError(
                f"features have the shape {shape}; with pooling {self.pooling} of {len(self.views)}"
                f" views ({known}) is wanted"
            )

    def part_dims(self, inputs: tuple[str, ...]) -> dict[str, int]:
        """Return the size of each part of what an expert sees, in order, features first."""
        vectors = {"mean": 1, "per_view": len(self.views), "tokens": TOKEN_QUERIES}[self.pooling]
        return {"features": vectors * self.feature_dim} | {
            name: self.window(name).dim for name in inputs
        }

    def to_json(self) -> str:
        """Return the text of `config.json`."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"


def expert_name(inputs: tuple[str, ...]) -> str:
    """Return what the experts for these inputs are called: `vl`, `vl+sensor` ..."""
    return "+".join(("vl", *inputs))


def read_config(path: Path) -> PolicyConfig:
    """Return the configuration in the file `path`.

    Raises:
        CheckpointError: the file is missing or no JSON, a key is unknown, missing, of the wrong
            type or out of range.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"{path.parent} holds no config.json; a checkpoint is a folder with config.json, "
            "model.safetensors and what `vlm` names"
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as JSON: {error}") from error
    try:
        config: PolicyConfig = _parsed("", data, PolicyConfig)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return config


def _parsed(name: str, value: Any, kind: Any) -> Any:
    """Return the JSON value as the annotated type `kind`, or raise naming the key."""
    if dataclasses.is_dataclass(kind):
        return _parsed_dataclass(name, value, kind)
    if get_origin(kind) is tuple:
        _check(isinstance(value, list), name, value, "a list")
        return tuple(_parsed(f"{name}[{i}]", v, get_args(kind)[0]) for i, v in enumerate(value))
    options = get_args(kind)
    if type(None) in options:
        return None if value is None else _parsed(name, value, options[0])
    if kind is float and type(value) is int:
        value = float(value)
    _check(type(value) is kind, name, value, f"a {kind.__name__}")
    return value


def _parsed_dataclass(name: str, value: Any, kind: Any) -> Any:
    _check(isinstance(value, dict), name or "it", value, "a JSON object")
    hints = get_type_hints(kind)
    where = f" in {name}" if name else ""
    if missing := [key for key in hints if key not in value]:
        raise CheckpointError(f"missing{where}: {', '.join(missing)}")
    if unknown := [key for key in value if key not in hints]:
        raise CheckpointError(f"unknown{where}: {', '.join(unknown)}; known: {', '.join(hints)}")
    prefix = f"{name}." if name else ""
    parsed = {key: _parsed(prefix + key, value[key], hint) for key, hint in hints.items()}
    config = kind(**parsed)
    return config


def _check_positive(config: PolicyConfig | WindowConfig, prefix: str) -> None:
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if isinstance(value, WindowConfig):
            _check_positive(value, f"{field.name}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            _check(0 < value < float("inf"), prefix + field.name, value, "a number above 0")


def _check(sound: bool, name: str, given: Any, allowed: str) -> None:
    if not sound:
        raise CheckpointError(f"{name} is {given!r}; allowed: {allowed}")
