# The command bench with all extras, for the CPU:
#   docker build -t almbench .
#   docker run --rm --network none -u "$(id -u):$(id -g)" -v "$PWD:/work" almbench run quick
# For NVIDIA GPUs (`docker run --gpus all`), a PyTorch from another index:
#   docker build -t almbench --build-arg TORCH=https://download.pytorch.org/whl/cu130 .
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates g++ python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
ARG TORCH=https://download.pytorch.org/whl/cpu
ARG EXTRAS=all
RUN python3 -m venv /opt/almbench
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/almbench/bin/pip install --extra-index-url "${TORCH}" -c constraints.txt ".[${EXTRAS}]"

FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libgomp1 python3 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/almbench /opt/almbench
ENV PATH=/opt/almbench/bin:$PATH
WORKDIR /work
# Another user may run it (`-u`), known to the system or not; only /work is written to.
USER 1000:1000
ENTRYPOINT ["bench"]
