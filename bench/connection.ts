import { connect, type Socket } from 'node:net';

const endOfHead = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);

/**
 * One keep-alive HTTP/1.1 connection with one request in flight. It reads no more of an answer
 * than its status and length, and leaves its body as it came: the generator must cost far less than the server it measures.
 */
export class Connection {
  /** Of the last answer. */
  body: Buffer = nothing;
  private readonly socket: Socket;
  private received: Buffer = nothing;
  private answered: ((status: number) => void) | undefined;
  private broken: ((error: Error) => void) | undefined;

  constructor(host: string, port: number) {
    this.socket = connect(port, host);
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => {
      this.receive(chunk);
    });
    this.socket.on('error', (error) => this.broken?.(error));
    this.socket.on('close', () => this.broken?.(new Error('the server closed the connection')));
  }

  /** Sends a whole request, head and body; answers the status once the whole response has arrived. */
  send(request: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      this.answered = resolve;
      this.broken = reject;
      this.socket.write(request);
    });
  }

  close(): void {
    this.broken = undefined;
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const head = this.received.indexOf(endOfHead);
    if (head === -1) return;
    const text = this.received.toString('latin1', 0, head);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
    if (/\r\ntransfer-encoding: *chunked/i.test(text)) {
      this.broken?.(new Error('the generator does not read chunked answers'));
      return;
    }
    if (this.received.length < head + endOfHead.length + length) return;
    this.body = this.received.subarray(head + endOfHead.length);
    this.received = nothing;
    this.answered?.(Number(text.slice(9, 12)));
  }
}

/** The bytes of one request, built once and sent many times. */
export const requestBytes = (request: {
  readonly host: string;
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType: string;
  readonly accept?: string;
}): Buffer => {
  const head = [
    `${request.method} ${request.path} HTTP/1.1`,
    `Host: ${request.host}`,
    `Authorization: Bearer ${request.key}`,
  ];
  if (request.accept !== undefined) head.push(`Accept: ${request.accept}`);
  if (request.body !== undefined) {
    head.push(`Content-Type: ${request.contentType}`, `Content-Length: ${Buffer.byteLength(request.body)}`);
  }
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${request.body ?? ''}`);
};
