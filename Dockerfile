# What serving needs, and nothing of training. See docs/http.md for keys.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE rida.py ./
COPY data data
COPY model model
COPY serving serving
COPY training training
RUN python -m venv /opt/rida && /opt/rida/bin/pip install --no-cache-dir ".[inbox]"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin rida \
 && install --directory --owner 10001 --mode 700 /var/lib/rida
COPY --from=build /opt/rida /opt/rida
ENV PATH=/opt/rida/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('RIDA_PORT', '8000') + '/v2/health/ready', timeout=2)"]
CMD ["rida", "serve", "--host", "0.0.0.0"]
