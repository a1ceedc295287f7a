"""Settings of the ML Metadata store: an SQLite file, or a MySQL or MariaDB server."""

from typing import Annotated

from pydantic import Field, model_validator

from evergreen.settings.base import ProjectPath, Section

Text = Annotated[str, Field(min_length=1)]


class TlsSettings(Section):
    """The encryption of a connection.

    The server's certificate is verified on a separate connection before each one that `ml-metadata`
    makes, since `ml-metadata` (1.17.1) refuses every certificate when told to verify.
    """

    ca: ProjectPath = Field(description="Certificates of the trusted authorities.")
    cert: ProjectPath | None = Field(default=None, description="The client's own certificate.")
    key: ProjectPath | None = Field(default=None, description="The key of that certificate.")


class MySqlSettings(Section):
    """A MySQL or MariaDB server. The password is not a setting: see `evergreen.lineage.mysql`."""

    host: Text
    port: Annotated[int, Field(gt=0, lt=65536)] = 3306
    database: Text
    user: Text
    tls: TlsSettings | None = Field(default=None, description="Without it, nothing is encrypted.")


class MetadataSettings(Section):
    """The place of ML Metadata: exactly one of the two; an overlay sets the other to null."""

    sqlite: ProjectPath | None = None
    mysql: MySqlSettings | None = None

    @model_validator(mode="after")
    def _names_one_place(self) -> "MetadataSettings":
        if self.sqlite and self.mysql:
            raise ValueError("names two places; set metadata.sqlite or metadata.mysql to null")
        if not self.sqlite and not self.mysql:
            raise ValueError("names no place; set metadata.sqlite or metadata.mysql")
        return self
