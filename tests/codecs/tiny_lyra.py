"""Three small TFLite models with the signatures of Lyra's: linear, and with the frame before."""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from numpy.typing import NDArray

HOP, FEATURES, CODEBOOKS = 320, 64, 46
Floats = NDArray[np.float32]
TYPES = {"float32": schema.TensorType.FLOAT32, "int32": schema.TensorType.INT32}


class Graph:
    """A subgraph under construction: tensors, operators, and what goes in and out."""

    def __init__(self, model: "Model") -> None:
        self.model = model
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []

    def tensor(self, shape: tuple[int, ...], kind: str = "float32", buffer: int = 0) -> int:
        made = schema.TensorT()
        made.name = f"t{len(self.graph.tensors)}"
        made.shape, made.type, made.buffer = list(shape), TYPES.get(kind, 13), buffer
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def constant(self, values: Any) -> int:
        array = np.asarray(values)
        return self.tensor(array.shape, str(array.dtype), self.model.buffer(array))

    def input(self, shape: tuple[int, ...], kind: str = "float32") -> int:
        made = self.tensor(shape, kind)
        self.graph.inputs.append(made)
        return made

    def op(
        self,
        name: str,
        inputs: list[int],
        shape: tuple[int, ...] | None,
        kind: str = "float32",
        **options: Any,
    ) -> int:
        made = schema.OperatorT()
        made.opcodeIndex = self.model.code(name)
        made.inputs = inputs
        made.outputs = [] if shape is None else [self.tensor(shape, kind)]
        class_ = "".join(part.title() for part in name.split("_")) + "Options"
        if class_ in {"MinimumOptions", "MaximumOptions"}:
            class_ = "MaximumMinimumOptions"
        if hasattr(schema, f"{class_}T"):
            made.builtinOptions = getattr(schema, f"{class_}T")()
            made.builtinOptionsType = getattr(schema.BuiltinOptions, class_)
            for key, value in options.items():
                setattr(made.builtinOptions, key, value)
        self.graph.operators.append(made)
        return made.outputs[0] if made.outputs else -1

    def reshape(self, tensor: int, shape: tuple[int, ...], kind: str = "float32") -> int:
        return self.op("RESHAPE", [tensor, self.constant(np.array(shape, np.int32))], shape, kind)

    def linear(self, tensor: int, weights: Floats) -> int:
        """`[1, I]` times the transpose of `[O, I]`."""
        return self.op("FULLY_CONNECTED", [tensor, self.constant(weights), -1], (1, len(weights)))

    def with_the_frame_before(self, tensor: int, width: int) -> int:
        """Add what came in at the last call, which is kept as state."""
        handle = self.op("VAR_HANDLE", [], (), "resource", sharedName="state", container="")
        before = self.op("READ_VARIABLE", [handle], (1, width))
        both = self.op("ADD", [tensor, before], (1, width))
        self.op("ASSIGN_VARIABLE", [handle, tensor], None)
        return both


class Model:
    """A model under construction."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes, self.model.subgraphs, self.model.signatureDefs = [], [], []

    def buffer(self, values: NDArray[Any]) -> int:
        made = schema.BufferT()
        made.data = np.frombuffer(values.tobytes(), np.uint8)
        self.model.buffers.append(made)
        return len(self.model.buffers) - 1

    def code(self, name: str) -> int:
        made = schema.OperatorCodeT()
        made.builtinCode = getattr(schema.BuiltinOperator, name)
        made.deprecatedBuiltinCode, made.version = min(made.builtinCode, 127), 1
        self.model.operatorCodes.append(made)
        return len(self.model.operatorCodes) - 1

    def add(self, graph: Graph) -> int:
        self.model.subgraphs.append(graph.graph)
        return len(self.model.subgraphs) - 1

    def sign(self, key: str, graph: Graph, inputs: list[str], output: int) -> None:
        graph.graph.outputs = [output]
        made = schema.SignatureDefT()
        made.signatureKey, made.subgraphIndex = key, self.add(graph)
        made.inputs = [_name(n, t) for n, t in zip(inputs, graph.graph.inputs, strict=True)]
        made.outputs = [_name("output_0", output)]
        self.model.signatureDefs.append(made)

    def save(self, path: Path) -> None:
        builder = Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))


def _name(name: str, tensor: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, tensor
    return made


def weights(seed: int = 0) -> dict[str, Floats]:
    """The matrices of the three models."""
    draw = np.random.default_rng(seed)
    shapes = {
        "encoder": (FEATURES, HOP),
        "quantize": (CODEBOOKS, FEATURES),
        "restore": (FEATURES, CODEBOOKS),
        "decoder": (HOP, FEATURES),
    }
    scale = {"encoder": 0.05, "quantize": 3.0, "restore": 0.01, "decoder": 0.1}
    return {k: (scale[k] * draw.standard_normal(s)).astype(np.float32) for k, s in shapes.items()}


def _stateful(
    path: Path, matrix: Floats, shape_in: tuple[int, ...], shape_out: tuple[int, ...]
) -> None:
    model = Model()
    out, wide = matrix.shape
    main, once = Graph(model), Graph(model)
    main.op("CALL_ONCE", [], None, initSubgraphIndex=1)
    flat = main.reshape(main.input(shape_in), (1, wide))
    result = main.with_the_frame_before(main.linear(flat, matrix), out)
    model.sign("serving_default", main, ["input_audio"], main.reshape(result, shape_out))
    handle = once.op("VAR_HANDLE", [], (), "resource", sharedName="state", container="")
    once.op("ASSIGN_VARIABLE", [handle, once.constant(np.zeros((1, out), np.float32))], None)
    model.add(once)
    model.save(path)


def _quantizer(path: Path, to: Floats, back: Floats) -> None:
    model = Model()
    one = Graph(model)
    flat = one.reshape(one.input((1, 1, FEATURES)), (1, FEATURES))
    one.input((), "int32")
    middle = one.constant(np.full((1, CODEBOOKS), 8, np.float32))
    level = one.op("ADD", [one.linear(flat, to), middle], (1, CODEBOOKS))
    level = one.op("FLOOR", [level], (1, CODEBOOKS))
    for name, bound in (("MINIMUM", 15), ("MAXIMUM", 0)):
        level = one.op(name, [level, one.constant(np.array([[bound]], np.float32))], (1, CODEBOOKS))
    codes = one.op("CAST", [level], (1, CODEBOOKS), "int32", inDataType=0, outDataType=2)
    shaped = one.reshape(codes, (CODEBOOKS, 1, 1), "int32")
    model.sign("encode", one, ["input_frames", "num_quantizers"], shaped)

    two = Graph(model)
    got = two.input((CODEBOOKS, 1, 1), "int32")
    used = two.op("MAXIMUM", [got, two.constant(np.array([[[0]]], np.int32))], (46, 1, 1), "int32")
    real = two.op("CAST", [used], (CODEBOOKS, 1, 1), inDataType=2, outDataType=0)
    latent = two.linear(two.reshape(real, (1, CODEBOOKS)), back)
    model.sign("decode", two, ["encoding_indices"], two.reshape(latent, (1, 1, FEATURES)))
    model.save(path)


def save(folder: Path, hop: int = HOP) -> None:
    """Save the three models; another `hop` makes a decoder that does not fit."""
    made = weights()
    _stateful(folder / "soundstream_encoder.tflite", made["encoder"], (1, HOP), (1, 1, FEATURES))
    _quantizer(folder / "quantizer.tflite", made["quantize"], made["restore"])
    _stateful(folder / "lyragan.tflite", made["decoder"][:hop], (1, 1, FEATURES), (1, hop))
