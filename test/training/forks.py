"""Reads requests, a line of JSON each, and runs them one after the other in processes of their own, which have PyTorch already."""
import json
import os
import runpy
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, 'weights/training')
import torch
import train


def run(args, script=None, code=None):
    sys.argv = [script or '-c', *args]
    if script:
        runpy.run_path(script, run_name='__main__')
    else:
        names = dict(json=json, torch=torch, train=train, Path=Path, folder=Path(args[0]))
        exec(code, names)
        print('\n' + json.dumps(names['result']))


for line in sys.stdin:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if os.fork() == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            run(**json.loads(line))
            sys.stdout.flush()
            os._exit(0)  # PyTorch takes half a second to leave
        exit_code = os.waitstatus_to_exitcode(os.wait()[1])
        stdout, stderr = ((file.seek(0), file.read().decode())[1] for file in (out, err))
    print(json.dumps(dict(exitCode=exit_code, stdout=stdout, stderr=stderr)), flush=True)
