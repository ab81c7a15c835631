# The page of dmin on a CPU: docker build -t dmin . && docker run --rm -p 7860:7860 dmin
# With models of your own: docker run --rm -p 7860:7860 -v "$PWD/runs:/models:ro" dmin --models /models
FROM python:3.12-slim

# What browsers do not play, the page turns into MP4 by this program. dmin itself brings its own FFmpeg.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*

WORKDIR /dmin
COPY pyproject.toml README.md LICENSE ./
COPY src src
# hadolint ignore=DL3013
RUN pip install --no-cache-dir torch==2.15.0 torchvision==0.29.2 --index-url https://download.pytorch.org/whl/cpu && \
    pip install --no-cache-dir ".[web]" && \
    pip install --no-cache-dir --no-deps aisfx==0.1.2

RUN useradd --create-home --uid 1000 visitor
USER 1000
WORKDIR /home/visitor
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/')"]
ENTRYPOINT ["dmin", "serve", "--host", "0.0.0.0"]
