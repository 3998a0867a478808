"""Bulk inference: archives of very many scans, answered by Ray into Parquet tables.

Sources are cut into chunks (`chunks`). Each chunk is answered by an actor that holds one model
(`answering`) and writes its rows (`table`) into the folder of the run (`folder`), aside first and
then renamed, under a name that follows from what is in the chunk. So a chunk that is answered
again, because its worker died, replaces its own rows, and a run that is started again asks the
tables what is done. Only `run` knows Ray. The extra ``[ray]`` brings what is needed.
"""
