"""What `python -m realm` does, with so many descriptors."""

import resource
import sys

from realm.cli.app import main

if __name__ == "__main__":
    most = int(sys.argv.pop(1))
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    main()
