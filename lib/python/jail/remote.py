"""What stands for an object that stays in the other process."""


class Remote:
    """An object of the other side that is not data. It never equals data, so nothing passes by claiming to."""

    def __init__(self, peer, handle, kind):
        object.__setattr__(self, '_peer', peer)
        object.__setattr__(self, '_handle', handle)
        object.__setattr__(self, '_kind', kind)

    def __call__(self, *args, **kwargs):
        return self._peer.ask('call', self._handle, *args, **kwargs)

    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError(name)
        return self._peer.ask('get', self._handle, name)

    def __setattr__(self, name, value):
        self._peer.ask('set', self._handle, name, value)

    def __getitem__(self, key):
        return self._peer.ask('item', self._handle, key)

    def __setitem__(self, key, value):
        self._peer.ask('setitem', self._handle, key, value)

    def __len__(self):
        return self._peer.ask('len', self._handle)

    def __bool__(self):
        return self._peer.ask('bool', self._handle) is True

    def __iter__(self):
        cursor = self._peer.ask('iter', self._handle)
        while batch := self._peer.ask('next', -1, cursor):
            yield batch[0]

    def __next__(self):
        batch = self._peer.ask('next', -1, self)
        if not batch:
            raise StopIteration
        return batch[0]

    def __eq__(self, other):
        if type(other) is not Remote:
            return False
        return self._handle == other._handle or self._peer.ask('equal', self._handle, other) is True

    def __hash__(self):
        return hash(self._handle)

    def __str__(self):
        return self._peer.ask('str', self._handle)

    def __repr__(self):
        return f'<{self._kind} of the submission>'
