import { Body, Controller, Post } from '@nestjs/common';
import { QueueService } from '@kyu/nestjs';
import { Greet } from './greeting.job.js';

@Controller('greetings')
export class GreetingController {
  constructor(private readonly queue: QueueService) {}

  @Post()
  async greet(@Body('name') name: string): Promise<{ id: string }> {
    return { id: await this.queue.enqueue(Greet, { name }) };
  }
}
