import { describe, expect, it } from '@jest/globals';
import { uriOf } from '../../bench/host/database.js';
import { cookiesAfter } from '../../bench/load/cookie-jar.js';
import { cpuMsIn } from '../../bench/peers/cpu-time.js';

describe('the processor time of another process', () => {
  it('is user and system time, whatever the program is called', () => {
    const stat = '42 (node) (worker) R 1 42 42 0 -1 4194304 100 0 0 0 250 150 7 7 20 0 11 0 1234 0 0';
    expect(cpuMsIn(stat)).toBe(4_000);
  });

  it('is not made up from something else', () => {
    expect(() => cpuMsIn('')).toThrow('not the status of a process');
  });
});

describe('the cookies of a client', () => {
  const answer = (...cookies: string[]) => ({ status: 200, text: '', headers: { 'set-cookie': cookies } });

  it('are those that were set, without their attributes', () => {
    expect(cookiesAfter(answer('sid=a=b; Path=/; HttpOnly', 'data=x'))).toBe('sid=a=b; data=x');
  });

  it('replace those of the same name, and are removed when they are set to nothing', () => {
    expect(cookiesAfter(answer('sid=2; Path=/', 'data=; Max-Age=0'), 'sid=1; data=x; theme=dark')).toBe(
      'sid=2; theme=dark',
    );
  });
});

describe('the database of a peer', () => {
  it('is on the same server, with its parameters and its credentials', () => {
    expect(uriOf('mongodb://a:1,b:2/?replicaSet=r', 'sa_bench')).toBe(
      'mongodb://a:1,b:2/sa_bench?replicaSet=r',
    );
    expect(uriOf('mongodb://u:p@a:1', 'sa_bench')).toBe('mongodb://u:p@a:1/sa_bench?authSource=admin');
    expect(uriOf('mongodb://u:p@a:1/other?authSource=x', 'sa_bench')).toBe(
      'mongodb://u:p@a:1/sa_bench?authSource=x',
    );
  });
});
