# syntax=docker/dockerfile:1
# The last stage, production, is what a plain `docker build .` makes. No compiler, no root, no shell needed.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS base
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings
WORKDIR /app

FROM base AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv>=0.9,<1"
# The packages change seldom, the code often: two layers.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-install-project
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen

FROM build AS build-sandbox
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --extra embedded

FROM build AS build-ops
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --extra ops

# The code belongs to root and the parts run as 10001, so that a part can never change its own program.
FROM base AS runtime
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin aftercare \
    && install --directory --owner=10001 --group=10001 /heads
USER 10001:10001

FROM runtime AS sandbox
COPY --from=build-sandbox /app /app
CMD ["python", "-m", "worker.sandbox.provider", "--help"]

FROM runtime AS ops
COPY --from=build-ops /app /app
CMD ["celery", "--app", "config.celery", "flower", "--help"]

FROM runtime AS production
COPY --from=build /app /app
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["aftercare", "web"]
