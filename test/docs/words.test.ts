import { describe, expect, it } from '@jest/globals';
import { bannedWords } from '../../tools/check-words.mjs';

const wordsOf = (text: string) => bannedWords(text).map(({ word }) => word.toLowerCase());

describe('the check of words', () => {
  it.each([
    ['whoever has the token', 'whoever'],
    ['the user loses his session', 'his'],
    ['nobody is told', 'told'],
    ['The log tells of the theft.', 'tells of'],
    ['mended in the next version', 'mended'],
    ['asked so often', 'so often'],
    ['the same as long, so long', 'so long'],
  ])('refuses %j', (text, word) => {
    expect(wordsOf(text)).toEqual([word]);
  });

  it('refuses comments that begin with "Of" or say "yield"', () => {
    expect(wordsOf('// Of one draw.')).toHaveLength(1);
    expect(wordsOf('/** Of one draw. */')).toHaveLength(1);
    expect(wordsOf('// No token yields a session.')).toHaveLength(1);
  });

  it('accepts code and words that only look like them', () => {
    expect(wordsOf('yield value; recommended; amend(a); this.othersOf(); the history')).toEqual([]);
    expect(wordsOf('as often as needed, so long as the session lives')).toEqual([]);
  });

  it('names the line', () => {
    expect(bannedWords('one\ntwo is told\n')).toMatchObject([{ line: 2, word: 'told' }]);
  });
});
