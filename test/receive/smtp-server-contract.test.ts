/**
 * What src/receive relies on in smtp-server, much of it private there: a newer version that fails here needs a look at
 * src/receive/connection.ts, server.ts and command-stream.ts before it is taken.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { describe, expect, test, vi } from 'vitest';

const require = createRequire(import.meta.url);

test('it is the version that was read, and pinned exactly', () => {
  expect(require('smtp-server/package.json').version).toBe('3.21.6');
  const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(dependencies['smtp-server']).toBe('3.21.6');
});

const source = (prototype: object, name: string): string =>
  String(Object.getOwnPropertyDescriptor(prototype, name)?.value);

describe('the connection', () => {
  test.each([
    'init',
    'send',
    'close',
    'upgrade',
    'handler_STARTTLS',
    '_createParser',
    '_setListeners',
    '_onCommand',
    '_onClose',
    '_onCloseEvent',
    '_onError',
    '_onTimeout',
    '_armTimeout',
    '_whenWritable',
    '_resetSession',
    '_getEnhancedStatusCode',
  ])('has a method %s', (name) => {
    expect(Object.hasOwn(SMTPConnection.prototype, name)).toBe(true);
  });

  function make() {
    const server = new SMTPServer({ logger: false, hideSTARTTLS: true });
    const socket = Object.assign(new PassThrough(), { setTimeout: vi.fn() });
    const connection = new SMTPConnection(server, socket as never, { remoteAddress: '192.0.2.1' });
    return { server, socket, connection };
  }

  test('begins with the state we read', () => {
    const { connection, server, socket } = make();
    expect(connection._server).toBe(server);
    expect(connection._socket).toBe(socket);
    expect(connection.secure).toBe(false);
    expect(connection.hostNameAppearsAs).toBe(false);
    expect(connection.openingCommand).toBe(false);
    expect(connection._upgrading).toBe(false);
    expect(connection._closing).toBe(false);
    expect(connection._closed).toBe(false);
    expect(connection._handlerPending).toBe(false);
    expect(connection._parser).toBeInstanceOf(SMTPStream);
  });

  test('makes its parser by the method we override, when the server is known', () => {
    const seen: unknown[] = [];
    class Ours extends SMTPConnection {
      override _createParser() {
        seen.push(this._server);
        return super._createParser();
      }
    }
    const { server, socket } = make();
    new Ours(server, socket as never, {});
    expect(seen).toEqual([server]);
  });

  test('close() ends the socket, retires the parser and leaves the set of connections', () => {
    const { connection, server, socket } = make();
    server.connections.add(connection);
    connection._setListeners(() => {});
    const parser = connection._parser;
    connection.close();
    expect(socket.writableEnded).toBe(true);
    expect(parser).toMatchObject({ isClosed: true });
    expect(connection._closing).toBe(true);
    expect(server.connections.size).toBe(0);
    clearTimeout(connection._closeTimer);
  });

  test('a closed socket leads to _onClose, once', () => {
    const { connection, socket } = make();
    connection._setListeners(() => {});
    const closed = vi.spyOn(connection, '_onClose');
    socket.emit('close', false);
    expect(closed).toHaveBeenCalledOnce();
    expect(connection._closed).toBe(true);
    expect(connection._parser).toBe(false);
  });

  test('the idle time-out waits while an answer is ours to give, and says 421 else', () => {
    const { connection } = make();
    const said = vi.spyOn(connection, 'send').mockImplementation(() => {});
    connection._handlerPending = true;
    connection._onTimeout();
    expect(said).not.toHaveBeenCalled();
    connection._handlerPending = false;
    connection._onTimeout();
    expect(said).toHaveBeenCalledWith(421, 'Timeout - closing connection');
  });

  test('the upgrade retires the parser, forgets the session and asks the server for its context', () => {
    const upgrade = source(SMTPConnection.prototype, 'upgrade');
    expect(upgrade).toMatch(/this\._parser\.isClosed = true/);
    expect(upgrade).toMatch(/this\._parser = this\._createParser\(\)/);
    expect(upgrade).toMatch(/this\._upgrading = true/);
    expect(upgrade).toMatch(
      /this\._upgrading = false[\s\S]*this\.hostNameAppearsAs = false[\s\S]*this\._resetSession\(\)/,
    );
    expect(upgrade).toMatch(/this\._armTimeout\(tlsSocket\)/);
    expect(upgrade).toMatch(/this\._server\.onSecure\(/);
    expect(upgrade).toMatch(/this\._onCloseEvent\(/);
    expect(upgrade).toMatch(/this\._onError\(err\)/);
    expect(source(SMTPConnection.prototype, 'handler_STARTTLS')).toMatch(/this\.upgrade\(callback\)/);
  });

  test('replies wait for a reader', () => {
    const { connection, socket } = make();
    const next = vi.fn();
    connection._whenWritable(next);
    expect(next).toHaveBeenCalledOnce();
    Object.defineProperty(socket, 'writableNeedDrain', { value: true });
    connection._whenWritable(next);
    expect(next).toHaveBeenCalledOnce();
    socket.emit('drain');
    expect(next).toHaveBeenCalledTimes(2);
  });
});

describe('the stream', () => {
  test('is a Writable whose methods we override', () => {
    for (const name of ['_write', '_flushData', 'oncommand']) {
      expect(Object.hasOwn(SMTPStream.prototype, name), name).toBe(true);
    }
    expect(new SMTPStream().isClosed).toBe(false);
  });
});

describe('the server', () => {
  test('does not listen by itself, and has what the connection asks for', () => {
    const server = new SMTPServer({ logger: false, hideSTARTTLS: true });
    expect(server.server.listening).toBe(false);
    expect(server.connections).toBeInstanceOf(Set);
    expect(server.secureContext).toBeInstanceOf(Map);
    for (const name of ['updateSecureContext', '_resolveSNI', 'onSecure', 'onClose']) {
      expect(Object.hasOwn(SMTPServer.prototype, name), name).toBe(true);
    }
  });

  test('makes its contexts by the method we override', () => {
    class Ours extends SMTPServer {
      override updateSecureContext(): void {
        this.secureContext = new Map();
      }
    }
    expect(new Ours({ logger: false }).secureContext.size).toBe(0);
  });
});
