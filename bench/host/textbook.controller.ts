import { createHash, randomUUID } from 'node:crypto';
import { Body, Controller, HttpCode, Post, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { InjectModel } from '@nestjs/mongoose';
import { compare, hash } from 'bcrypt';
import { Model } from 'mongoose';
import { TextbookToken } from './textbook-token.schema.js';

const ACCESS_SECONDS = 15 * 60;
const REFRESH_SECONDS = 7 * 86_400;
/** The cost in most tutorials. */
const BCRYPT_COST = 10;

interface Claims {
  readonly sub: string;
  readonly jti: string;
}

/** How a textbook design stores a token. */
interface Hashing {
  hash(token: string): Promise<string>;
  matches(token: string, stored: string): Promise<boolean>;
}

const sha256: Hashing = {
  hash: async (token) => createHash('sha256').update(token).digest('hex'),
  matches: async (token, stored) => (await sha256.hash(token)) === stored,
};

/** Hashes only the first 72 bytes of a token; it is compared for its speed. */
const bcrypt: Hashing = {
  hash: (token) => hash(token, BCRYPT_COST),
  matches: (token, stored) => compare(token, stored),
};

interface RefreshBody {
  readonly refreshToken: string;
}

@Controller('textbook')
export class TextbookController {
  constructor(
    private readonly jwt: JwtService,
    @InjectModel(TextbookToken.name) private readonly tokens: Model<TextbookToken>,
  ) {}

  @Post('login')
  @HttpCode(200)
  login() {
    return this.grant(randomUUID(), sha256);
  }

  @Post('bcrypt/login')
  @HttpCode(200)
  loginWithBcrypt() {
    return this.grant(randomUUID(), bcrypt);
  }

  @Post('refresh')
  @HttpCode(200)
  refresh(@Body() { refreshToken }: RefreshBody) {
    return this.rotate(refreshToken, sha256);
  }

  @Post('bcrypt/refresh')
  @HttpCode(200)
  refreshWithBcrypt(@Body() { refreshToken }: RefreshBody) {
    return this.rotate(refreshToken, bcrypt);
  }

  /** The access token lives on, as in most tutorials. */
  @Post('logout')
  @HttpCode(200)
  async logout(@Body() { refreshToken }: RefreshBody) {
    const { jti } = await this.jwt.verifyAsync<Claims>(refreshToken);
    await this.tokens.deleteOne({ jti });
    return { ok: true };
  }

  /** Verify, find, compare, delete, insert. */
  private async rotate(refreshToken: string, hashing: Hashing) {
    const claims = await this.jwt.verifyAsync<Claims>(refreshToken).catch(() => null);
    const stored = claims && (await this.tokens.findOne({ jti: claims.jti }));
    if (!stored || !(await hashing.matches(refreshToken, stored.tokenHash)))
      throw new UnauthorizedException();
    await this.tokens.deleteOne({ _id: stored._id });
    return this.grant(stored.userId, hashing);
  }

  private async grant(userId: string, hashing: Hashing) {
    const jti = randomUUID();
    const accessToken = await this.jwt.signAsync({ sub: userId }, { expiresIn: ACCESS_SECONDS });
    const refreshToken = await this.jwt.signAsync({ sub: userId, jti }, { expiresIn: REFRESH_SECONDS });
    const expiresAt = new Date(Date.now() + REFRESH_SECONDS * 1000);
    await this.tokens.create({ jti, userId, tokenHash: await hashing.hash(refreshToken), expiresAt });
    return { accessToken, refreshToken };
  }
}
