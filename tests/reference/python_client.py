"""A life of a file through the client that openapi-python-client made."""

import os
from io import BytesIO

from client import AuthenticatedClient
from client.api.files import create_file, delete_file, download_file, list_files, retrieve_file
from client.models import CreateFileRequest, DeleteFileResponse, ErrorResponse, FilePurpose, ListFilesResponse, OpenAIFile
from client.types import File

with AuthenticatedClient(base_url=os.environ["ORIGIN"], token=os.environ["VENNA_API_KEY"]) as client:
    content = File(payload=BytesIO(b"Hello, Files!\n"), file_name="notes.txt", mime_type="text/plain")
    file = create_file.sync(client=client, body=CreateFileRequest(file=content, purpose=FilePurpose.USER_DATA))
    assert isinstance(file, OpenAIFile) and (file.bytes_, file.filename, file.expires_at) == (14, "notes.txt", None), file
    page = list_files.sync(client=client, limit=1)
    assert isinstance(page, ListFilesResponse) and page.data[0] == file, page
    assert retrieve_file.sync(file.id, client=client) == file
    assert download_file.sync(file.id, client=client).payload.read() == b"Hello, Files!\n"
    refused = retrieve_file.sync("file-none", client=client)
    assert isinstance(refused, ErrorResponse) and refused.error.param == "id", refused
    deleted = delete_file.sync(file.id, client=client)
    assert isinstance(deleted, DeleteFileResponse) and deleted.deleted, deleted
print("uploaded, listed, retrieved, read, refused, deleted")
