import { Controller, Get, Header } from '@nestjs/common';
import { KeyRing } from '../tokens/key-ring.js';
import { Public } from './decorators/public.decorator.js';

/** The public halves of the access keys, for services that verify access tokens by themselves (RFC 7517 §5). */
@Public()
@Controller('.well-known/jwks.json')
export class JwksController {
  constructor(private readonly keyRing: KeyRing) {}

  @Get()
  @Header('Cache-Control', 'public, max-age=300')
  jwks() {
    return this.keyRing.publicKeys();
  }
}
