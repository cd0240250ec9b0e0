"""Structured logs: one line per event, with the ids that were bound around it (request, transaction, message)."""

import logging.config

import structlog


def configure_logging(format: str, level: str) -> None:
    """Send our events and those of the libraries through one renderer ("console" or "json")."""
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = (
        structlog.processors.JSONRenderer()
        if format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info if format == "json" else _keep,
                        renderer,
                    ],
                }
            },
            "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["out"], "level": level},
            "loggers": {
                "daphne": {"level": "WARNING"},
                "ocpp": {"level": "WARNING"},
                "urllib3": {"level": "WARNING"},
                "websockets": {"level": "WARNING"},
            },
        }
    )


def _keep(_logger, _name, event):
    return event
