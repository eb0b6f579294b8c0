// SPDX-License-Identifier: MPL-2.0
//
// beanstalkd with its log synced at every write (-f 0). Its delays are whole seconds.
import { connect } from 'node:net'
import * as common from '../common.mjs'

let server, port

// One connection; answers come in the order of the commands.
class Connection {
  waiting = []
  rest = Buffer.alloc(0)

  open () {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setNoDelay(true)
    this.socket.on('error', () => {})
    this.socket.on('data', bytes => this.take(Buffer.concat([this.rest, bytes])))
    return new Promise(resolve => this.socket.once('connect', () => resolve(this)))
  }

  take (bytes) {
    let at = 0
    for (;;) {
      const end = bytes.indexOf('\r\n', at)
      if (end < 0) break
      const line = bytes.latin1Slice(at, end)
      const size = line.startsWith('RESERVED ') ? Number(line.split(' ')[2]) + 2 : 0
      if (bytes.length < end + 2 + size) break
      at = end + 2 + size
      this.waiting.shift()(line, size ? bytes.utf8Slice(end + 2, at - 2) : '')
    }
    this.rest = bytes.subarray(at)
  }

  command (text, then) {
    this.waiting.push(then)
    this.socket.write(text)
  }

  ask (text, expected) {
    return new Promise((resolve, reject) => this.command(text, line => {
      line.startsWith(expected) ? resolve(line) : reject(new Error(line))
    }))
  }

  // What is asked in one turn of the loop goes out together.
  put (due, body) {
    const text = JSON.stringify(body)
    const delay = Math.max(0, Math.ceil((due - common.now()) / 1000))
    this.socket.cork()
    process.nextTick(() => this.socket.uncork())
    return this.ask(`put 100 ${delay} 60 ${text.length}\r\n${text}\r\n`, 'INSERTED')
  }
}

export default {
  name: 'beanstalkd -f 0',
  width: 256,
  async start ({ dir, again }) {
    port = again ? port : await common.freePort()
    server = common.start('beanstalkd', ['-l', '127.0.0.1', '-p', String(port), '-b', dir, '-f', '0'], dir)
    await common.waitForPort(port, server)
  },
  pids: () => [server.pid],
  crash: () => common.crash(server),
  stop: () => common.stop(server),
  async connect () {
    const main = await new Connection().open()
    let deleting = 0
    return {
      schedule: async (due, body) => (await main.put(due, body)).slice('INSERTED '.length),
      bulk: items => Promise.all(items.map(([due, body]) => main.put(due, body))),
      cancel: id => main.ask(`delete ${id}\r\n`, 'DELETED'),
      async consume (on) {
        const workers = await Promise.all(Array.from({ length: 32 }, () => new Connection().open()))
        for (const worker of workers) {
          const got = (line, body) => {
            if (!line.startsWith('RESERVED')) return
            deleting++
            on(JSON.parse(body))
            worker.command(`delete ${line.split(' ')[1]}\r\n`, () => { deleting-- })
            worker.command('reserve\r\n', got)
          }
          worker.command('reserve\r\n', got)
        }
        return async () => workers.forEach(worker => worker.socket.destroy())
      },
      async drained () {
        while (deleting > 0) await common.sleep(1)
      },
      close: () => main.socket.destroy()
    }
  }
}
